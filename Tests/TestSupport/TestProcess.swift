import Foundation
package import LinuxSystem
import Synchronization

/// Starts programs that end with the test run, even when that is killed.
package enum TestProcess {
    /// As `ChildProcess(command)`; the kernel kills the program when this process ends, however it ends.
    package static func start(_ command: ChildCommand) throws -> ChildProcess {
        // `setpriv` asks the kernel for it and becomes the program.
        var wrapped = command
        wrapped.executable = "/usr/bin/setpriv"
        wrapped.arguments = ["--pdeathsig", "KILL", "--", command.executable] + command.arguments
        return try Spawner.shared.start(wrapped)
    }
}

/// The thread that starts the programs. It never ends, since the kernel means a thread when it says parent.
private final class Spawner: Sendable {
    static let shared = Spawner()

    /// A command on its way in, and what came of it on its way back.
    private final class Job: Sendable {
        let command: ChildCommand
        let outcome = Mutex<ChildProcess?>(nil)
        let failure = Mutex<(any Error)?>(nil)
        let done = DispatchSemaphore(value: 0)

        init(_ command: ChildCommand) {
            self.command = command
        }

        func run() {
            do {
                try outcome.withLock { $0 = try ChildProcess(command) }
            } catch {
                failure.withLock { $0 = error }
            }
            done.signal()
        }
    }

    private let jobs = Mutex<[Job]>([])
    private let waiting = DispatchSemaphore(value: 0)

    private init() {
        Thread.detachNewThread { [self] in
            while true {
                waiting.wait()
                jobs.withLock { $0.removeFirst() }.run()
            }
        }
    }

    func start(_ command: ChildCommand) throws -> ChildProcess {
        let job = Job(command)
        jobs.withLock { $0.append(job) }
        waiting.signal()
        job.done.wait()
        if let failure = job.failure.withLock({ $0 }) { throw failure }
        return job.outcome.withLock { $0.take()! }
    }
}
