import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

@Suite struct RandomBitsTests {
    private static let keys: [UInt64] = [0, 1, 2, 0xFFFF_FFFF, 1 << 32, 0x9E37_79B9_7F4A_7C15]
    private static let count = 1 << 14

    private func values(_ key: UInt64, from first: UInt64 = 0, step: UInt64 = 1) -> [Double] {
        (0..<Self.count).map { Double(randomBits(key, first &+ UInt64($0) * step)) / 0x1p32 - 0.5 }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// Within five standard deviations of what uniform independent values have.
    @Test(arguments: keys) func areUniform(_ key: UInt64) {
        let count = Double(Self.count)
        for first in [0, UInt64(1) << 32, 1 << 40] {
            let values = values(key, from: first)
            #expect(abs(mean(values)) < 5 * (1 / 12 / count).squareRoot())
            #expect(abs(mean(values.map { $0 * $0 }) - 1 / 12) < 5 * (1 / 180 / count).squareRoot())
            // each bit by itself
            for bit in 0..<32 {
                let ones = (0..<Self.count).reduce(0) { $0 + Int(randomBits(key, first + UInt64($1)) >> bit & 1) }
                #expect(abs(Double(ones) - count / 2) < 5 * (count / 4).squareRoot(), "bit \(bit)")
            }
        }
    }

    /// Of neighbours, of the rows of a matrix, of the halves of the index, and of keys that differ in one bit.
    @Test(arguments: keys) func areNotCorrelated(_ key: UInt64) {
        let limit = 5 / 12 / Double(Self.count).squareRoot()
        let values = values(key)
        for distance in [1, 2, 3, 16, 64, 384, 768, 1024] {
            let products = zip(values, values.dropFirst(distance)).map { $0 * $1 }
            #expect(abs(mean(products)) < limit * 1.05, "\(distance) apart")
        }
        for step in [768, 1 << 16, 1 << 32] as [UInt64] {
            let strided = self.values(key, step: step)
            let products = zip(strided, strided.dropFirst()).map { $0 * $1 }
            #expect(abs(mean(products)) < limit * 1.05, "every \(step)th")
        }
        for bit in 0..<64 {
            let others = self.values(key ^ 1 << bit)
            #expect(abs(mean(zip(values, others).map { $0 * $1 })) < limit, "bit \(bit) of the key")
        }
        let next = self.values(key, from: 1 << 32)
        #expect(abs(mean(zip(values, next).map { $0 * $1 })) < limit)
    }

    /// The drawn values are part of what a seed reproduces: they may not change.
    @Test func areTheSameForEver() {
        #expect(randomBits(0, 0) == 0x2F69_A059)
        #expect(randomBits(0x0123_4567_89AB_CDEF, 768) == 0x1FB8_1717)
        #expect(randomBits(7, 1 << 33 | 5) == 0x164E_3C58)
    }
}

@Suite struct DropoutTests {
    @Test(arguments: sets) func dropsWhatTheBitsSay(_ set: InstructionSet) throws {
        for (rows, columns) in [(1, 1), (3, 5), (2, 16), (7, 33), (60, 768)] {
            for rate in [Float(0), 0.1, 0.5, 0.999] {
                try withMemory(seed: 51) { memory in
                    let dropout = Dropout(key: 0xDEAD_BEEF_0000_0001, rate: rate)
                    let (x, residual) = (memory.matrix(rows, columns), memory.matrix(rows, columns))
                    var expected: [(alone: Float, added: Float)] = []
                    for index in 0..<rows * columns {
                        let stays = Double(randomBits(dropout.key, UInt64(index))) >= Double(rate) * 0x1p32
                        let value = stays ? x.base[index] * (1 / (1 - rate)) : 0
                        expected.append((value, value + residual.base[index]))
                    }
                    let alone = try withTeams(set) { team in
                        let y = memory.copy(x)
                        team.dropout(dropout, y, into: y)
                        return y.values
                    }
                    let added = try withTeams(set) { team in
                        let y = memory.copy(residual)
                        team.dropout(dropout, x, residual: y, into: y)
                        return y.values
                    }
                    #expect(alone == expected.map(\.alone), "rate \(rate), \(rows) × \(columns)")
                    #expect(added == expected.map(\.added), "rate \(rate), \(rows) × \(columns)")
                }
            }
        }
    }
}
