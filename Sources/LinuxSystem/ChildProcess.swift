import CLinuxShims
import Glibc

/// What to start.
package struct ChildCommand: Sendable {
    /// The path of the program; `PATH` is not searched.
    package var executable: String
    /// The arguments, without the program's own name.
    package var arguments: [String]
    /// The whole environment: nothing is inherited.
    package var environment: [String: String]
    /// The name the program sees as its argument 0; the path when nil.
    package var name: String?
    /// Descriptor `key` of the child is a copy of our descriptor `value`. Of 0 to 2, those not named here are: input
    /// from /dev/null, output and errors shared with us. Every other descriptor is closed.
    package var descriptors: [Int32: Int32]
    /// Whether the child leads a process group of its own, out of reach of the terminal's Ctrl-C.
    package var newProcessGroup: Bool

    package init(
        _ executable: String,
        arguments: [String] = [],
        environment: [String: String] = [:],
        name: String? = nil,
        descriptors: [Int32: Int32] = [:],
        newProcessGroup: Bool = false
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.name = name
        self.descriptors = descriptors
        self.newProcessGroup = newProcessGroup
    }
}

/// A child process, held by a pidfd: its number cannot come to mean another process.
///
/// A value that goes out of scope before the child was reaped kills it and reaps it, so that neither an orphan nor a
/// zombie is left.
package struct ChildProcess: ~Copyable, Sendable {
    package let processID: Int32
    /// Becomes readable when the child ends; add its number to an ``Epoll``.
    package let descriptor: OwnedDescriptor
    /// How the child ended, once it was reaped.
    package private(set) var exitStatus: ExitStatus?
    /// The most memory that it had resident at once, in bytes, once it was reaped; at least what we had when we started it, for
    /// the kernel counts that in.
    package private(set) var peakBytes = 0

    /// Starts a program. Signals are unblocked and at their defaults in the child.
    ///
    /// A child that asks to die with its parent dies with the *thread* that called this.
    package init(_ command: ChildCommand) throws(SystemError) {
        let started = try command.spawn()
        let watch = linux_pidfd_open(started)
        guard watch >= 0 else {
            // Without a pidfd the child cannot be watched. It is not reaped yet, so its number is still its own.
            Glibc.kill(started, SIGKILL)
            _ = try? retrying("waitpid") { waitpid(started, nil, 0) }
            throw SystemError("pidfd_open", -watch, path: command.executable)
        }
        processID = started
        descriptor = OwnedDescriptor(watch)
    }

    deinit {
        guard exitStatus == nil else { return }
        var status = linux_exit()
        _ = linux_pidfd_signal(descriptor.rawValue, SIGKILL)
        _ = linux_pidfd_reap(descriptor.rawValue, true, &status)
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// Sends a signal; false when the child has already ended.
    @discardableResult
    package borrowing func signal(_ signal: Signal) throws(SystemError) -> Bool {
        if exitStatus != nil { return false }
        let result = linux_pidfd_signal(descriptor.rawValue, signal.rawValue)
        if result == -ESRCH { return false }
        try checked("send \(signal) to process \(processID)", result)
        return true
    }

    /// Waits until the child has ended and reaps it. Does not wait once the descriptor is readable.
    package mutating func reap() throws(SystemError) -> ExitStatus {
        if let exitStatus { return exitStatus }
        var status = linux_exit()
        try checked("wait for process \(processID)", linux_pidfd_reap(descriptor.rawValue, true, &status))
        return reaped(status)
    }

    /// Reaps the child if it has ended; nil when it still runs.
    package mutating func reapIfEnded() throws(SystemError) -> ExitStatus? {
        if let exitStatus { return exitStatus }
        var status = linux_exit()
        let result = linux_pidfd_reap(descriptor.rawValue, false, &status)
        return try checked("wait for process \(processID)", result) == 0 ? nil : reaped(status)
    }

    private mutating func reaped(_ status: linux_exit) -> ExitStatus {
        let ended = ExitStatus(status)
        (exitStatus, peakBytes) = (ended, Int(status.peak_kib) * 1024)
        return ended
    }
}

extension ChildCommand {
    fileprivate func spawn() throws(SystemError) -> Int32 {
        let strings = [executable, name ?? ""] + arguments + environment.flatMap { [$0.key, $0.value] }
        if strings.contains(where: { $0.utf8.contains(0) }) {
            throw SystemError("spawn", EINVAL, path: executable, hint: "An argument or variable holds a zero byte.")
        }
        let mapped = descriptors.sorted { $0.key < $1.key }
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var processID: Int32 = -1
        let result = withCStrings([name ?? executable] + arguments) { argv in
            withCStrings(variables) { envp in
                executable.withCString { path in
                    mapped.map(\.key).withUnsafeBufferPointer { targets in
                        mapped.map(\.value).withUnsafeBufferPointer { sources in
                            var spawn = linux_spawn(
                                path: path,
                                arguments: argv,
                                environment: envp,
                                targets: targets.baseAddress,
                                sources: sources.baseAddress,
                                descriptor_count: mapped.count,
                                new_process_group: newProcessGroup
                            )
                            return linux_spawn(&spawn, &processID)
                        }
                    }
                }
            }
        }
        try checked("spawn", path: executable, result)
        return processID
    }
}

/// Lends a NULL-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
