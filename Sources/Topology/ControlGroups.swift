import LinuxSystem

/// CPU and memory limits of control groups, versions 1 and 2, and what exceeding them has cost.
enum ControlGroups {
    /// A mounted hierarchy, as `/proc/self/mountinfo` tells of it.
    struct Mount: Equatable {
        /// The group that is visible at the mount point; "/" outside containers.
        var root: String
        var point: String
        /// Version 2, or the version 1 hierarchy of the controller.
        var isUnified: Bool
    }

    /// The tightest limit of the process's groups and their ancestors, in CPUs; nil when there is none.
    static func cpuLimit(root: String) -> Double? { tightest("cpu", root: root, limit) }

    /// The least that a group of the process or an ancestor may still take, in bytes; nil when none has a limit. What was only
    /// read from files and not used lately counts as free.
    static func memoryRoom(root: String) -> UInt64? { tightest("memory", root: root, room) }

    private static func tightest<Limit: Comparable>(
        _ controller: String,
        root: String,
        _ limit: (_ folder: String, _ unified: Bool) -> Limit?
    ) -> Limit? {
        guard let groups = try? FileContents.readText(root + "/proc/self/cgroup"),
            let mounts = try? FileContents.readText(root + "/proc/self/mountinfo")
        else { return nil }
        var tightest: Limit?
        for mount in parse(mountInfo: mounts, controller: controller) {
            guard let group = group(in: groups, controller, unified: mount.isUnified) else { continue }
            for folder in folders(of: group, mount: mount) {
                guard let limit = limit(root + folder, mount.isUnified) else { continue }
                tightest = min(tightest ?? limit, limit)
            }
        }
        return tightest
    }

    /// The file that counts what the kernel has killed in the process's own group for want of memory; that of the whole machine
    /// where there is none.
    static func killsFile(root: String) -> String {
        let groups = (try? FileContents.readText(root + "/proc/self/cgroup")) ?? ""
        let mounts = (try? FileContents.readText(root + "/proc/self/mountinfo")) ?? ""
        for mount in parse(mountInfo: mounts, controller: "memory") {
            guard let group = group(in: groups, "memory", unified: mount.isUnified),
                let folder = folders(of: group, mount: mount).last
            else { continue }
            let path = root + folder + (mount.isUnified ? "/memory.events" : "/memory.oom_control")
            if kills(path) != nil { return path }
        }
        return root + "/proc/vmstat"
    }

    /// The line "oom_kill 3" of a file; nil where there is none.
    static func kills(_ path: String) -> Int? {
        let lines = (try? FileContents.readText(path))?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("oom_kill ") }.flatMap { Int($0.dropFirst(9)) }
    }

    static func parse(mountInfo: String, controller: String = "cpu") -> [Mount] {
        mountInfo.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash >= 5 else { return nil }
            let isUnified = fields[dash + 1] == "cgroup2"
            let controllers = fields[dash + 3].split(separator: ",")
            let isItsOwn = fields[dash + 1] == "cgroup" && controllers.contains { $0 == controller }
            guard isUnified || isItsOwn else { return nil }
            return Mount(root: String(fields[3]), point: String(fields[4]), isUnified: isUnified)
        }
    }

    /// The path of the process's group: the line "0::/path", or the one that names the controller.
    private static func group(in text: String, _ controller: String, unified: Bool) -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let matches = unified ? fields[0] == "0" : fields[1].split(separator: ",").contains { $0 == controller }
            if matches { return String(fields[2]) }
        }
        return nil
    }

    /// The folders of the group and all its ancestors that the mount shows.
    private static func folders(of group: String, mount: Mount) -> [String] {
        var relative = Substring(group)
        if mount.root != "/" {
            let isInside = group == mount.root || group.hasPrefix(mount.root + "/")
            relative = isInside ? group.dropFirst(mount.root.count) : ""
        }
        var folders = [mount.point]
        for name in relative.split(separator: "/") {
            if name == ".." { break }
            folders.append(folders[folders.count - 1] + "/" + name)
        }
        return folders
    }

    private static func limit(folder: String, unified: Bool) -> Double? {
        let quota: Double?
        let period: Double?
        if unified {
            // "max 100000" or "250000 100000": microseconds of CPU time per period.
            let fields = (try? FileContents.readText(folder + "/cpu.max"))?.split(separator: " ") ?? []
            guard fields.count == 2 else { return nil }
            (quota, period) = (Double(fields[0]), Double(fields[1]))
        } else {
            // -1 means unlimited.
            quota = (try? FileContents.readText(folder + "/cpu.cfs_quota_us")).flatMap { Double($0) }
            period = (try? FileContents.readText(folder + "/cpu.cfs_period_us")).flatMap { Double($0) }
        }
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return quota / period
    }

    private static func room(folder: String, unified: Bool) -> UInt64? {
        func number(_ name: String) -> UInt64? {
            (try? FileContents.readText("\(folder)/\(name)")).flatMap { UInt64($0.prefix { $0.isNumber }) }
        }
        // "max", or as good as no limit in version 1.
        guard let limit = number(unified ? "memory.max" : "memory.limit_in_bytes"), limit < 1 << 60,
            let used = number(unified ? "memory.current" : "memory.usage_in_bytes")
        else { return nil }
        let key = unified ? "inactive_file " : "total_inactive_file "
        let lines = ((try? FileContents.readText("\(folder)/memory.stat")) ?? "").split(separator: "\n")
        let old = lines.first { $0.hasPrefix(key) }.flatMap { UInt64($0.dropFirst(key.utf8.count)) } ?? 0
        return limit - min(limit, used - min(used, old))
    }
}
