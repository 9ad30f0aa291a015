/// What the kernel has killed for want of memory where this process is now, and what it starts: in its control group (version 1
/// or 2), or on the machine where there are none.
package struct MemoryShortage: Sendable {
    /// The file that counts the kills.
    package let path: String

    /// - Parameter root: of the file system, for tests.
    package init(root: String = "") { path = ControlGroups.killsFile(root: root) }

    /// How many processes have been killed so far; 0 where the kernel does not say.
    package var kills: Int { ControlGroups.kills(path) ?? 0 }
}
