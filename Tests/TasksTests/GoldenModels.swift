import Foundation
import ModelFiles
import Tasks
import TestSupport
import Testing

/// The folders of the models that `ops/golden-tasks` asked (Golden/README.md), written anew and loaded.
enum GoldenModels {
    static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    /// A model's folder in the script's terms.
    struct Description {
        let name: String
        let checkpoint: SeededCheckpoint
        let files: [(path: String, content: String)]
        let dense: [(folder: String, outputs: Int, inputs: Int)]
        /// The tensors of modules that sentence-transformers saved itself.
        let modules: [(folder: String, tensors: [(name: String, shape: [Int])])]

        init(_ node: JSONNode) throws(ModelFilesError) {
            name = try node.required("name").string()
            checkpoint = try SeededCheckpoint(try node.required("checkpoint"))
            var files: [(path: String, content: String)] = []
            for (path, content) in try node.required("files").members() {
                files.append((path, try content.string()))
            }
            self.files = files
            var dense: [(folder: String, outputs: Int, inputs: Int)] = []
            for layer in try node.required("dense").elements() {
                dense.append(
                    (
                        try layer.required("folder").string(), try layer.required("outputs").integer(in: 1...10_000),
                        try layer.required("inputs").integer(in: 1...10_000)
                    )
                )
            }
            self.dense = dense
            var modules: [(folder: String, tensors: [(name: String, shape: [Int])])] = []
            for module in try node.member("modules")?.elements() ?? [] {
                var tensors: [(name: String, shape: [Int])] = []
                for tensor in try module.required("tensors").elements() {
                    let parts = try tensor.elements()
                    var shape: [Int] = []
                    for size in try parts[1].elements() { shape.append(try size.integer(in: 1...10_000)) }
                    tensors.append((try parts[0].string(), shape))
                }
                modules.append((try module.required("folder").string(), tensors))
            }
            self.modules = modules
        }

        func write(to folder: String) throws {
            try checkpoint.write(to: folder)
            for file in files {
                if let slash = file.path.lastIndex(of: "/") {
                    try SafetensorsWriter.makeFolder("\(folder)/\(file.path[..<slash])")
                }
                try SafetensorsWriter.write(text: file.content, to: "\(folder)/\(file.path)")
            }
            for layer in dense {
                try checkpoint.writeLinear(
                    outputs: layer.outputs,
                    inputs: layer.inputs,
                    to: "\(folder)/\(layer.folder)"
                )
            }
            for module in modules { try checkpoint.writeModule(module.tensors, to: "\(folder)/\(module.folder)") }
        }

        func load(threads: Int = 1) throws -> Model {
            let folder = try TemporaryFolder()
            try write(to: folder.path)
            return try Model(directory: folder.path, threads: threads)
        }
    }

    private static let file = Result { try JSONNode(readingFile: golden.appendingPathComponent("models.json").path) }

    /// By name.
    static let models: [String: Description] = {
        let list = try? file.get().required("models").elements().map { node in try Description(node) }
        return Dictionary(uniqueKeysWithValues: (list ?? []).map { ($0.name, $0) })
    }()

    /// What stands for "$LONG" in the cases.
    static let longText = (try? file.get().required("long").string()) ?? ""

    static func load(_ name: String, threads: Int = 1) throws -> Model {
        try #require(models[name]).load(threads: threads)
    }
}
