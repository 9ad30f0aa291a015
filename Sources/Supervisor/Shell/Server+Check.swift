package import Configuration
import Glibc
import LinuxSystem

extension Server {
    /// What would keep a server with these settings from starting, and models of its repository from being loaded, as far as
    /// can be told without making or starting anything. What lies in a version's folder is `modelctl check`'s business.
    package static func problems(
        with configuration: ServerConfiguration,
        environment: [String: String],
        isRoot: Bool
    ) -> ConfigurationProblems {
        var problems = ConfigurationProblems()
        /// Notes a problem with the value of a setting.
        func note(_ key: String, problem: String?) {
            guard let problem else { return }
            problems.attempt { () throws(ConfigurationError) in
                throw ConfigurationError("\(configuration.origins[key] ?? "default"): \(key): \(problem)")
            }
        }
        func reason(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch {
                return "\(error)"
            }
        }

        if !configuration.modelRepository.isEmpty {
            let problem = cannotList(configuration.modelRepository)
            note("model_repository", problem: problem)
            if problem == nil { checkModels(in: ModelRepository(root: configuration.modelRepository), &problems) }
        }
        if !configuration.socket.isEmpty, !ServiceManager.passesSocket(environment) {
            let folder = self.folder(of: configuration.socket)
            note("socket", problem: reason { try UnixListener.requireUsable(path: configuration.socket) })
            note("socket", problem: cannotWrite(in: folder))
        }
        let cache = configuration.cacheDirectory(environment: environment, isRoot: isRoot)
        note("cache_dir", problem: cannotWrite(in: cache))
        if let program = configuration.workerExecutable {
            if access(program, X_OK) != 0 { note("worker_executable", problem: "\(program): \(lastError())") }
        } else {
            note("worker_executable", problem: reason { _ = try WorkerProgram.besideOwn() })
        }
        let ofSlots = ["cpus", "threads_per_worker", "reserve_cpus"].first { configuration.origins[$0] != nil }
        note(ofSlots ?? "cpus", problem: reason { _ = try planSlots(configuration) })
        if let file = configuration.logFile {
            var information = stat()
            if stat(file, &information) != 0 {
                note("log_file", problem: cannotWrite(in: folder(of: file)))
            } else if information.st_mode & S_IFMT == S_IFDIR {
                note("log_file", problem: "\(file) is a folder")
            } else if access(file, W_OK) != 0 {
                note("log_file", problem: "\(file): \(lastError())")
            }
        }
        return problems
    }

    private static func checkModels(in repository: ModelRepository, _ problems: inout ConfigurationProblems) {
        problems.attempt { () throws(ConfigurationError) in
            var ofModels = ConfigurationProblems()
            for name in try repository.names() {
                ofModels.attempt { () throws(ConfigurationError) in _ = try repository.model(name) }
            }
            try ofModels.check()
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }

    private static func cannotList(_ folder: String) -> String? {
        guard let directory = opendir(folder) else { return "\(folder): \(lastError())" }
        closedir(directory)
        return nil
    }

    /// Why nothing can be made in a folder, or the folder itself cannot be.
    private static func cannotWrite(in path: String) -> String? {
        var information = stat()
        if stat(path, &information) == 0 {
            if information.st_mode & S_IFMT != S_IFDIR { return "\(path) is no folder" }
            return access(path, W_OK | X_OK) == 0 ? nil : "\(path): \(lastError())"
        }
        guard errno == ENOENT else { return "\(path): \(lastError())" }
        if lstat(path, &information) == 0 { return "\(path) is a link to nothing" }
        return path == "." ? "the working folder is gone" : cannotWrite(in: folder(of: path))
    }
}
