import Glibc

/// Whether the user has asked the program to stop: SIGINT or SIGTERM. A second one stops it at once.
enum Interrupts {
    /// Written by the signal handler alone.
    nonisolated(unsafe) private static var asked: sig_atomic_t = 0

    static var wasAsked: Bool { asked != 0 }

    static func watch() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Interrupts.asked != 0 { _exit(128 + number) }
                Interrupts.asked = 1
            }
        }
    }
}
