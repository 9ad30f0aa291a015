import Foundation
import Messages
import ModelFiles
import Tasks
import TestSupport
import Testing

/// Folders that sentence-transformers 6.2 saved itself (Golden/folders.json): cross-encoders of both layouts, Dense modules
/// with every activation, and the newer modules answer as it does, within 1e-5.
@Suite struct GoldenFolderTests {
    private struct Folder: Sendable {
        let description: GoldenModels.Description
        /// The cases, as JSON.
        let cases: Data
    }

    private static let folders: [String: Folder] = {
        let path = GoldenModels.golden.appendingPathComponent("folders.json")
        guard let file = try? JSONNode(readingFile: path.path), let nodes = try? file.required("models").elements(),
            let text = try? Data(contentsOf: path),
            let object = try? JSONSerialization.jsonObject(with: text) as? [String: Any],
            let models = object["models"] as? [[String: Any]]
        else { return [:] }
        var folders: [String: Folder] = [:]
        for (node, model) in zip(nodes, models) {
            guard let description = try? GoldenModels.Description(node), let cases = model["cases"],
                let data = try? JSONSerialization.data(withJSONObject: cases)
            else { continue }
            folders[description.name] = Folder(description: description, cases: data)
        }
        return folders
    }()

    @Test func allFoldersAreRead() { #expect(Self.folders.count == 29) }

    @Test(arguments: folders.keys.sorted()) func answersAsSentenceTransformers(_ name: String) throws {
        let folder = try #require(Self.folders[name])
        let model = try folder.description.load()
        let cases = try #require(try JSONSerialization.jsonObject(with: folder.cases) as? [Any])
        try #require(cases.count >= 2)
        for node in cases {
            let golden = try #require(GoldenCase(node, of: name))
            let answer = try #require(try model.answer([golden.inferenceRequest], stepTokens: 100).first)
            let difference = Difference(answer, try #require(golden.expected))
            #expect(difference.message == nil, "\(golden)")
            #expect(difference.largest <= 1e-5, "\(golden)")
        }
    }

    /// `CrossEncoder.rank` refuses several scores, and an embedder has none.
    @Test(arguments: [
        ("bert-lone", [InferenceMethod.classify, .rerank]), ("distilbert-modules", [.classify, .rerank]),
        ("bert-modules-cls", [.classify, .rerank]), ("bert-lone-three", [.classify, .zeroShot]),
        ("bert-modules-three", [.classify]), ("bert-dense-Tanh", []),
    ])
    func tasksAreThoseOfTheScores(name: String, tasks: [InferenceMethod]) throws {
        let model = try #require(Self.folders[name]).description.load()
        #expect(Set(model.tasks) == Set(tasks + [.embed, .features, .tokenize, .infer]))
    }

    /// A pack of other weights of any module is another pack.
    @Test func everyModulesWeightsAreInTheKey() throws {
        let description = try #require(Self.folders["bert-residuals"]).description
        let folder = try TemporaryFolder()
        try description.write(to: folder.path)
        func key() throws -> String { try Model.pack(folder.path).key }
        var keys = [try key(), try key()]
        #expect(keys[0] == keys[1])
        keys.removeLast()
        for module in description.modules {
            var other = description.checkpoint
            other.seed += 1
            try other.writeModule(module.tensors, to: folder(module.folder))
            keys.append(try key())
        }
        #expect(Set(keys).count == 1 + description.modules.count && description.modules.count == 3)
    }

    /// Of a vector that the folder cuts, a request may have more.
    @Test func aRequestMayAskForAllDimensions() throws {
        let model = try #require(Self.folders["bert-kept"]).description.load()
        for (dimensions, count) in [
            (0, 8), (32, 32), (3, 3),
        ] as [(UInt32, Int)] {
            let request = EmbedRequest(inputs: [TextInput("a")], truncateDim: dimensions)
            guard case .embed(let response)? = try model.answer([.embed(request)]).first else { return }
            #expect(response.results[0].values.count == count)
        }
    }

    /// `transformers` raises: the table of token types has no second row.
    @Test func aModelOfOneTokenTypeTakesNoPairs() throws {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(
            family: .bert,
            hidden: 32,
            layers: 1,
            heads: 2,
            intermediate: 64,
            vocabulary: 600
        )
        checkpoint.tokenTypes = 1
        checkpoint.labels = 2
        try checkpoint.write(to: folder.path)
        let model = try Model(directory: folder.path)
        #expect(try model.answer([.classify(ClassifyRequest(inputs: [TextInput("a")]))]).count == 1)
        for truncation in [Truncation.default, .windows] {
            let error = #expect(throws: TaskError.self) {
                try model.prepare(
                    .classify(ClassifyRequest(inputs: [TextInput("a", pair: "b")], truncation: truncation))
                )
            }
            #expect(error?.kind == .invalidArgument && error?.message.contains("takes no pairs of texts") == true)
        }
    }

    /// What the folder says comes before what config.json says, as with `CrossEncoder`; a request's choice before both.
    @Test func theFoldersActivationWins() throws {
        let description = try #require(Self.folders["bert-lone-identity"]).description
        let folder = try TemporaryFolder()
        try description.write(to: folder.path)
        let config = try String(contentsOfFile: folder("config.json"), encoding: .utf8)
        let older = "{\"sbert_ce_default_activation_function\": \"torch.nn.modules.activation.Tanh\","
        try folder.write("config.json", older + config.dropFirst())
        func score(_ function: FunctionToApply = .default) throws -> Float {
            let request = InferenceRequest.rerank(RerankRequest(query: "a", texts: ["fox"], functionToApply: function))
            guard case .rerank(let response)? = try Model(directory: folder.path).answer([request]).first else {
                return .nan
            }
            return response.results[0].score
        }
        let logit = try score(.none)
        #expect(try score() == logit)
        #expect(try abs(score(.sigmoid) - 1 / (1 + exp(-logit))) < 1e-6)
        try FileManager.default.removeItem(atPath: folder("config_sentence_transformers.json"))
        #expect(try abs(score() - tanh(logit)) < 1e-6)
    }
}
