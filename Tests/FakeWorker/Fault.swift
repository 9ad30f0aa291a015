import Glibc
import LinuxSystem

/// What an engine may do wrong, wherever it is.
enum Fault {
    /// Does what the words say if they name a fault: `crash`, `kill`, `exit STATUS`, `hang` (it stops itself), `spin` (it computes
    /// for ever, and never looks at the channel), `allocate MIB` (it keeps so much memory, and goes on), `garbage` (what it writes
    /// to the channel is no frame; it goes on).
    static func strike(_ words: Substring) {
        let parts = words.split(separator: " ", maxSplits: 1)
        let number = parts.count > 1 ? Int(parts[1]) : nil
        switch parts.first {
        case "crash": abort()
        case "kill": kill(ProcessSelf.processID, SIGKILL)
        case "exit": exit(Int32(number ?? 1))
        case "hang": kill(ProcessSelf.processID, SIGSTOP)
        case "spin": while true {}
        case "allocate":
            // No `malloc`, which an optimiser removes where nothing reads the memory.
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
            guard mmap(nil, (number ?? 1) << 20, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED else { abort() }
        case "garbage":
            let bytes: [UInt8] = [0, 0, 0, 3, 0xff, 0xff, 0xff]
            _ = write(3, bytes, bytes.count)
        default: break
        }
    }
}
