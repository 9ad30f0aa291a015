extension Duration {
    /// Whole nanoseconds; of what is too long for a number, the largest or least one.
    package var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }

    /// Whole microseconds as messages and settings have them; 0 when it is negative.
    package var microseconds: UInt64 { UInt64(max(0, nanoseconds) / 1000) }

    /// Whole milliseconds, as people read them.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Milliseconds as `poll` takes them, rounded up, so that a wait does not end early.
    package var pollMilliseconds: Int32 {
        Int32(clamping: (max(0, attoseconds) + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
