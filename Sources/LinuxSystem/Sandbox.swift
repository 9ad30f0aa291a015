import CLinuxShims
import Glibc

/// What a process that reads what others wrote gives up, so that whoever comes to command it can do little: its memory becomes
/// no program and is dumped nowhere, it opens what it has to and then nothing, starts no program and makes no socket.
///
/// It is given up in three steps. The first is known to whoever started the process, with the first word; what the kernel is said
/// to hold then, it holds once the second step has come, or the process ends.
package struct Sandbox: Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        case enforce
        /// Nothing is refused; the kernel's log has the calls that would be.
        case log
        case off
    }

    private let mode: Mode
    private let hasExecGain: Bool
    /// 0: the kernel has none.
    private let landlock: Int32
    private let filters: Bool

    /// The first step: no memory becomes code any more. What the sanitizers need is not known, so that with them it is off.
    package init(_ mode: Mode) {
        self.mode = linux_is_sanitized() ? .off : mode
        let isEnforced = self.mode == .enforce
        hasExecGain = !isEnforced || linux_refuse_exec_gain() < 0
        landlock = isEnforced ? max(0, linux_landlock_version()) : 0
        filters = self.mode != .off && linux_can_filter()
    }

    /// Whether the kernel, and this build, can hold a process to its files and system calls.
    package static var isPossible: Bool { !linux_is_sanitized() && linux_landlock_version() > 0 && linux_can_filter() }

    /// What holds, in words for people; empty when nothing does.
    package var description: String {
        let parts = [
            mode == .enforce ? "no dumps" : nil, hasExecGain ? nil : "no new code",
            landlock > 0 ? "landlock \(landlock)" : nil,
            filters ? (mode == .log ? "seccomp, which logs only" : "seccomp") : nil,
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// What the kernel lacks that was wished for; nil: nothing.
    package var warning: String? {
        let enforces = mode == .enforce
        let missing = [
            enforces && hasExecGain ? "PR_SET_MDWE (Linux 6.3)" : nil, enforces && landlock == 0 ? "Landlock" : nil,
            mode != .off && !filters ? "seccomp" : nil,
        ].compactMap { $0 }
        guard !missing.isEmpty else { return nil }
        return "the kernel has no " + missing.joined(separator: ", no ") + ": workers are held to less (worker_sandbox)"
    }

    /// The second step: from now on only files beneath these paths can be opened, and for reading; the paths that links there
    /// lead to count as such. No dump of the memory is written, and processes of the same user cannot look into it.
    ///
    /// - Parameter paths: folders and files, which need not be there.
    package func confine(reading paths: [String]) throws(SystemError) {
        if mode == .enforce { try ProcessSelf.setDumpable(false) }
        try restrict(reading: paths)
        try filter(Self.serving + Self.loading, threads: true)
    }

    /// The third step: nothing is opened and no thread started any more.
    package func close() throws(SystemError) {
        try restrict(reading: [])
        try filter(Self.serving, threads: false)
    }

    // MARK: - Files

    private func restrict(reading paths: [String]) throws(SystemError) {
        guard landlock > 0 else { return }
        // The rights of linux/landlock.h, and the version from which on the kernel knows so many: of files; to bind and connect by
        // TCP; abstract sockets and signals to others.
        let known: UInt64 = landlock >= 5 ? 16 : landlock >= 3 ? 15 : landlock >= 2 ? 14 : 13
        let rules = OwnedDescriptor(
            try checked(
                "make Landlock rules",
                linux_landlock_create((1 << known) - 1, landlock >= 4 ? 3 : 0, landlock >= 6 ? 3 : 0)
            )
        )
        for path in paths { try allow(path, depth: 0, rules) }
        try checked("enforce Landlock rules", linux_landlock_enforce(rules.rawValue))
    }

    /// `O_PATH` of fcntl.h, which Swift does not see.
    private static let pathOnly: Int32 = 0o10000000
    private static let readFile: UInt64 = 1 << 2
    private static let readFolder: UInt64 = 1 << 3

    /// - Parameter depth: how many links have led here; a circle of them is left.
    private func allow(_ path: String, depth: Int, _ rules: borrowing OwnedDescriptor) throws(SystemError) {
        guard let file = try? OwnedDescriptor.open(path, flags: Self.pathOnly) else { return }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let rights = isFolder ? Self.readFile | Self.readFolder : Self.readFile
        try checked("add a Landlock rule", linux_landlock_allow(rules.rawValue, file.rawValue, rights))
        guard isFolder, depth < 4, let folder = opendir(path) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let inner = "\(path)/\(name)"
            guard name != ".", name != "..", lstat(inner, &status) == 0 else { continue }
            if [S_IFLNK, S_IFDIR].contains(status.st_mode & S_IFMT) { try allow(inner, depth: depth + 1, rules) }
        }
    }

    // MARK: - System calls

    private func filter(_ calls: [Int32], threads: Bool) throws(SystemError) {
        guard filters else { return }
        try checked("filter system calls", linux_filter_calls(calls, calls.count, threads, mode == .log))
    }

    /// What a worker needs that has loaded: its channel, memory, time, its threads and their CPUs, signals and an end. Calls of
    /// `mmap`, `mprotect`, `kill`, `tgkill` and `clone` are decided by their arguments.
    private static let serving = [
        __NR_read, __NR_write, __NR_readv, __NR_writev, __NR_recvmsg, __NR_recvfrom, __NR_sendmsg, __NR_sendto,
        __NR_poll,
        __NR_ppoll, __NR_fcntl, __NR_close, __NR_lseek, __NR_fstat,
        __NR_munmap, __NR_mremap, __NR_madvise, __NR_brk, __NR_mincore,
        __NR_futex, __NR_sched_yield, __NR_sched_getaffinity, __NR_sched_setaffinity, __NR_getcpu, __NR_membarrier,
        __NR_rseq, __NR_set_robust_list, __NR_gettid, __NR_getpid, __NR_getrandom,
        __NR_clock_gettime, __NR_clock_getres, __NR_clock_nanosleep, __NR_nanosleep, __NR_gettimeofday,
        __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack, __NR_restart_syscall,
        __NR_exit, __NR_exit_group,
    ]

    /// What loading and packing need besides: files, where Landlock lets them be opened, memory on a node, and the third step.
    private static let loading = [
        __NR_openat, __NR_newfstatat, __NR_statx, __NR_access, __NR_faccessat, __NR_faccessat2, __NR_readlink,
        __NR_getdents64, __NR_pread64, __NR_pwrite64, __NR_ftruncate, __NR_fallocate, __NR_fsync, __NR_fdatasync,
        __NR_msync, __NR_memfd_create, __NR_dup, __NR_mbind, __NR_get_mempolicy, __NR_set_mempolicy, __NR_move_pages,
        __NR_prlimit64, __NR_getrusage, __NR_sysinfo, __NR_uname, __NR_landlock_create_ruleset,
        __NR_landlock_add_rule, __NR_landlock_restrict_self, __NR_seccomp,
    ]
}
