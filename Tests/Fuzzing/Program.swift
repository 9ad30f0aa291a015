import Foundation

// Two programs from one source. As it is: `fuzz` lists the parsers, `fuzz PARSER FILE…` reads files, as to repeat a
// finding. Built with `--sanitize fuzzer -Xswiftc -DLIBFUZZER`, libFuzzer has the entry point and calls the functions
// below: `fuzz PARSER [libFuzzer's flags and folders]`, and `fuzz PARSER --seeds FOLDER` writes the seeds.

#if !LIBFUZZER
    @main enum Program {
        static func main() {
            let arguments = Array(CommandLine.arguments.dropFirst())
            guard let name = arguments.first else { return print(names) }
            let parser = parser(name)
            for file in arguments.dropFirst() {
                guard let bytes = FileManager.default.contents(atPath: file) else { stop("cannot read \(file)") }
                print("\(file): \(parser.run([UInt8](bytes)) ? "accepted" : "refused")")
            }
        }
    }
#else
    private nonisolated(unsafe) var chosen: Parser?

    /// Takes this program's own arguments out of libFuzzer's.
    @_cdecl("LLVMFuzzerInitialize")
    public func initialize(
        _ count: UnsafeMutablePointer<CInt>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
    ) -> CInt {
        let words = CommandLine.arguments
        guard words.count > 1 else {
            print(names)
            exit(0)
        }
        let parser = parser(words[1])
        if words.count == 4, words[2] == "--seeds" {
            writeSeeds(of: parser, to: words[3])
            exit(0)
        }
        arguments.pointee[1] = arguments.pointee[0]
        arguments.pointee += 1
        count.pointee -= 1
        chosen = parser
        return 0
    }

    /// Reads one input, copied to memory of its exact size so that the address sanitizer sees its ends.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        _ = chosen?.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    /// Writes the seeds, each of which its parser must accept.
    private func writeSeeds(of parser: Parser, to folder: String) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (index, seed) in try parser.seeds().enumerated() {
                guard parser.run(seed) else { stop("the parser '\(parser.name)' does not accept its seed \(index)") }
                try Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(index)"))
            }
        } catch {
            stop("\(error)")
        }
    }
#endif

private var names: String { Parser.all.map(\.name).joined(separator: "\n") }

private func parser(_ name: String) -> Parser {
    guard let parser = Parser.named(name) else { stop("there is no parser '\(name)'; there are:\n\(names)") }
    return parser
}

private func stop(_ message: String) -> Never {
    FileHandle.standardError.write(Data("fuzz: \(message)\n".utf8))
    exit(2)
}
