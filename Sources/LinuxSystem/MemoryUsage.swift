import Glibc

/// The memory of a process.
package struct MemoryUsage: Equatable, Sendable {
    /// Pages in memory, shared ones counted in full, in bytes (RSS).
    package var residentBytes: Int
    /// Pages in memory, each divided by the number of processes that share it, in bytes (PSS). The sum over processes
    /// is what they occupy together. Nil where the kernel does not say or may not tell us.
    package var proportionalBytes: Int?
    /// Of the pages in memory, what is mapped as huge pages, in bytes; 0 where the kernel does not say.
    package var hugeBytes: Int

    package init(residentBytes: Int, proportionalBytes: Int?, hugeBytes: Int = 0) {
        self.residentBytes = residentBytes
        self.proportionalBytes = proportionalBytes
        self.hugeBytes = hugeBytes
    }

    /// Measures a process. ESRCH or ENOENT means that it is gone.
    ///
    /// - Parameter rollup: its `smaps_rollup`, opened when it could be; else it is opened now.
    package static func of(processID: Int32, rollup: LiveFile? = nil) throws(SystemError) -> MemoryUsage {
        let live = rollup ?? (try? LiveFile("/proc/\(processID)/smaps_rollup"))
        if let rollup = try? live?.text(),
            let resident = kibibytes("Rss:", in: rollup)
        {
            let huge = ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"].compactMap { kibibytes($0, in: rollup) }
            return MemoryUsage(
                residentBytes: resident * 1024,
                proportionalBytes: kibibytes("Pss:", in: rollup).map { $0 * 1024 },
                hugeBytes: huge.reduce(0, +) * 1024
            )
        }
        let path = "/proc/\(processID)/statm"
        let fields = try FileContents.readText(path).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else {
            throw SystemError("read", ESRCH, path: path)
        }
        return MemoryUsage(residentBytes: pages * Int(getpagesize()), proportionalBytes: nil)
    }

    /// The number of a line such as "Pss:      357 kB".
    static func kibibytes(_ key: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }
}
