import CLinuxShims
import Glibc

/// The CPUs on which the calling thread, and what it starts, may run; as bit masks, bit `n % 64` of word `n / 64` for CPU
/// number `n`.
package enum ThreadAffinity {
    package static func current() throws(SystemError) -> [UInt64] {
        // 8192 CPUs, the most that the kernel supports.
        var mask = [UInt64](repeating: 0, count: 128)
        try checked("sched_getaffinity", linux_get_affinity(&mask, mask.count))
        return mask
    }

    package static func set(_ mask: [UInt64]) throws(SystemError) {
        try checked("sched_setaffinity", linux_set_affinity(mask, mask.count))
    }
}
