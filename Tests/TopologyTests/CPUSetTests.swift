import Testing
import Topology

@Suite struct CPUSetTests {
    @Test(arguments: [
        ("", [], ""),
        (" \n", [], ""),
        ("0", [0], "0"),
        ("0-3,8", [0, 1, 2, 3, 8], "0-3,8"),
        ("8,0-3", [0, 1, 2, 3, 8], "0-3,8"),
        ("0-3,2-5,5", [0, 1, 2, 3, 4, 5], "0-5"),
        (" 1 , 3 - 4\n", [1, 3, 4], "1,3-4"),
        ("0-14:4", [0, 4, 8, 12], "0,4,8,12"),
        ("62-65,127-128,8191", [62, 63, 64, 65, 127, 128, 8191], "62-65,127-128,8191"),
    ])
    func readsAndWritesLists(text: String, numbers: [Int], canonical: String) throws {
        let set = try CPUSet(parsing: text)
        #expect(Array(set) == numbers)
        #expect(set == CPUSet(numbers))
        #expect(set.count == numbers.count)
        #expect(set.isEmpty == numbers.isEmpty)
        #expect(set.description == canonical)
        #expect(try CPUSet(parsing: canonical) == set)
        #expect((-1...200).allSatisfy { set.contains($0) == numbers.contains($0) })
    }

    @Test(arguments: [
        "a", "1,", ",1", "1,,2", "-1", "3-1", "1-", "-", "1-2-3", "8192", "0-8192", "99999999999999999999", "1:2",
        "1-4:0",
        "1-4:2:2", "0x1", "1 2", "+1", "1.5", "\u{0663}",
    ])
    func refusesWhatIsNotAList(text: String) throws {
        let error = #expect(throws: TopologyError.self) { try CPUSet(parsing: text) }
        #expect(error?.description.hasPrefix("\"\(text)\" is not a list of CPUs") == true)
    }

    @Test func doesSetArithmetic() {
        let left: CPUSet = [0, 1, 64, 200]
        let right: CPUSet = [1, 2, 64]
        #expect(left.union(right) == [0, 1, 2, 64, 200])
        #expect(right.union(left) == left.union(right))
        #expect(left.intersection(right) == [1, 64])
        #expect(left.subtracting(right) == [0, 200])
        #expect(right.subtracting(left) == [2])
        #expect(left.isSubset(of: [0, 1, 2, 64, 200]) && !left.isSubset(of: right))
        // Equality does not depend on how a set came about.
        #expect(left.subtracting([200]) == [0, 1, 64])
        #expect(CPUSet().isSubset(of: []) && left.intersection([]) == [])
    }
}
