/// A reader of bytes that nobody vouches for.
struct Parser: Sendable {
    /// How the command line calls it.
    let name: String
    /// Inputs that it accepts, for the fuzzer to start from.
    let seeds: @Sendable () throws -> [[UInt8]]
    /// Takes any bytes and returns whether it accepted them; traps when the reader breaks a promise.
    let run: @Sendable ([UInt8]) -> Bool

    static let all: [Parser] = bytes + wire + folder + data + runs + [pack, settings, cpuList, text, expected]

    static func named(_ name: String) -> Parser? { all.first { $0.name == name } }
}
