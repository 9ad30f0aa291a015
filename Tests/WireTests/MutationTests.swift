import Foundation
import Messages
import TestSupport
import Testing
import Wire

/// How many times its usual work a randomised test does; `ops/nightly` asks for more.
private let effort = ProcessInfo.processInfo.environment["DISTILLERY_FUZZ_FACTOR"].flatMap { Int($0) } ?? 1

@Suite struct MutationTests {
    /// SplitMix64, so that a failure repeats.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: 0..<4)
    func randomlyChangedBytesNeverCrash(_ seed: UInt64) {
        var generator = Generator(state: seed)
        let corpus = Samples.all.map { $0.encode() } + [Array("model@2:int8".utf8)]
        for _ in 0..<(3_000 * effort) {
            var bytes = corpus.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let position = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0 where !bytes.isEmpty: bytes[position] = .random(in: 0...255, using: &generator)
                case 1 where !bytes.isEmpty: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2 where !bytes.isEmpty: bytes.remove(at: position)
                case 3: bytes.insert(.random(in: 0...255, using: &generator), at: position)
                default: bytes.append(contentsOf: corpus.randomElement(using: &generator) ?? [])
                }
            }
            let entry = Int.random(in: 0..<WireParsers.all.count, using: &generator)
            _ = WireParsers.all[entry](bytes)
        }
    }

    @Test func everyPrefixOfEveryMessageIsHandled() {
        for message in Samples.all {
            let bytes = message.encode()
            for count in 0..<bytes.count {
                for entry in WireParsers.all.prefix(2) { _ = entry(Array(bytes.prefix(count))) }
            }
        }
    }
}
