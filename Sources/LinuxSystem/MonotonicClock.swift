import Glibc
package import Time

/// Time that only moves forward, at the rate of real time; unaffected by changes of the wall clock.
package enum MonotonicClock {
    /// It began at an arbitrary moment, the same for all processes of the machine until it restarts.
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
