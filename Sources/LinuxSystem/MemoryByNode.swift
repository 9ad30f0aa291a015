/// On which NUMA nodes the pages of a process lie, in bytes by node; pages that are not in memory are left out.
package struct MemoryByNode: Equatable, Sendable {
    /// Of mapped files that were asked for.
    package var files: [Int: Int] = [:]
    /// What the process has for itself: its heap, stacks and other memory without a file.
    package var own: [Int: Int] = [:]

    package init(files: [Int: Int] = [:], own: [Int: Int] = [:]) { (self.files, self.own) = (files, own) }

    /// Measures a process, for which the kernel walks through all its pages.
    ///
    /// - Parameters:
    ///   - maps: its `numa_maps`, opened when it could be; else it is opened now.
    ///   - isWanted: whether a file counts, by its path; that of one in memory begins with `/memfd:`.
    /// - Throws: ENOENT where the kernel has no NUMA, or the process is gone.
    package static func of(
        processID: Int32,
        maps: LiveFile? = nil,
        isWanted: (Substring) -> Bool
    ) throws(SystemError) -> MemoryByNode {
        let maps = if let maps { maps } else { try LiveFile("/proc/\(processID)/numa_maps") }
        return parse(try maps.text(), isWanted: isWanted)
    }

    /// Lines such as `7f… default file=/memfd:pack mapped=9 N0=4 N1=5 kernelpagesize_kB=4`.
    package static func parse(_ text: String, isWanted: (Substring) -> Bool) -> MemoryByNode {
        var memory = MemoryByNode()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            var (file, page): (Substring?, Int) = (nil, 4)
            var pages: [(node: Int, count: Int)] = []
            for word in words {
                guard let sign = word.firstIndex(of: "=") else { continue }
                let (key, value) = (word[..<sign], word[word.index(after: sign)...])
                if key == "file" {
                    file = value
                } else if key == "kernelpagesize_kB" {
                    page = Int(value) ?? 4
                } else if key.first == "N", let node = Int(key.dropFirst()), let count = Int(value) {
                    pages.append((node, count))
                }
            }
            for (node, count) in pages {
                if let file {
                    if isWanted(file) { memory.files[node, default: 0] += count * page << 10 }
                } else {
                    memory.own[node, default: 0] += count * page << 10
                }
            }
        }
        return memory
    }
}
