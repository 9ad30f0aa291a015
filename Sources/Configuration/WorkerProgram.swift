import Glibc
import LinuxSystem

/// The program of workers and packers.
package enum WorkerProgram {
    /// `modelworker` beside the running program.
    package static func besideOwn() throws -> String {
        let own = try ProcessSelf.executablePath()
        let folder = own.lastIndex(of: "/").map { String(own[...$0]) } ?? "./"
        let path = folder + "modelworker"
        guard access(path, X_OK) == 0 else {
            throw ConfigurationError("there is no worker program \(path); name it with --worker-executable")
        }
        return path
    }

    /// The whole environment of a worker. Swift's own crash reports are off unless asked for: they print memory, which may
    /// hold users' text, and they take seconds in which the dead worker cannot be replaced.
    package static func environment(from environment: [String: String]) -> [String: String] {
        var result = [
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "SWIFT_BACKTRACE": "enable=no",
        ]
        let passed = [
            "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "SWIFT_BACKTRACE",
        ]
        for (name, value) in environment where name.hasPrefix("DISTILLERY_") || passed.contains(name) {
            result[name] = value
        }
        return result
    }
}
