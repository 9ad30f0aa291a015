import Foundation
import LinuxSystem
import TestSupport
import Testing

/// What `modeld --check-config` says of a configuration, and what a start says of the same one.
@Suite(.timeLimit(.minutes(10))) struct CheckConfigTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.makeFolder("models/m/1")
        try folder.write(
            "modeld.yaml",
            "model_repository: \(folder("models"))\nsocket: \(folder("run/s"))\ncache_dir: \(folder("cache"))\n"
        )
    }

    private func modeld(_ arguments: String...) throws -> ModelServer.Run {
        let all = ["--config", folder("modeld.yaml")] + arguments
        return try ModelServer.modelctl(all, socket: nil, folder: folder("runs"), program: "modeld")
    }

    private func add(_ lines: String) throws {
        try folder.write("modeld.yaml", try FileContents.readText(folder("modeld.yaml")) + "\n\n" + lines)
    }

    @Test func whatIsRightIsOKAndNothingIsMade() throws {
        try folder.makeFolder("runs")
        try add("log_file: \(folder("log"))")
        let before = try folder.contents()
        let run = try modeld("--check-config")
        #expect(run.exit == .exited(0) && run.output == "ok\n" && run.errors.isEmpty, "\(run)")
        #expect(try folder.contents() == before)
    }

    @Test func everyProblemIsNamedWithItsPlaceAndKey() throws {
        try folder.makeFolder("runs")
        try folder.write("file", "")
        try add(
            "max_in_flight: many\nmax_conections: 3\nworker_executable: \(folder("none"))\nlog_file: \(folder("models"))"
        )
        try folder.write("models/m/config.yaml", "variants: [int4]\nmax_queue_size: 0\n")
        try folder.write("models/n/readme", "")
        let run = try modeld(
            "--check-config",
            "--cpus",
            "900",
            "--cache-dir",
            folder("file"),
            "--set",
            "socket=\(folder("models"))",
            "--set",
            "slow"
        )
        #expect(run.exit == .exited(78) && run.output.isEmpty)
        let (file, models) = (folder("modeld.yaml"), folder("models"))
        let expected = [
            "\(file):5: max_in_flight is 'many', but should be",
            "\(file):6: unknown key 'max_conections'; did you mean",
            "--set slow: write key=value", "\(models)/m/config.yaml:1: variants is [int4]",
            "\(models)/m/config.yaml:2: max_queue_size is '0'", "\(models)/n: no version to serve",
            "--socket: socket: listen on \(models): File exists",
            "--cache-dir: cache_dir: \(folder("file")) is no folder",
            "\(file):7: worker_executable: \(folder("none")): No such file", "--cpus: cpus: ",
            "\(file):8: log_file: \(models) is a folder",
        ]
        let lines = run.errors.split(separator: "\n")
        for problem in expected {
            #expect(
                lines.count { $0.hasPrefix("modeld: \(problem)") } == 1,
                "'\(problem)' is not once in \(run.errors)"
            )
        }
        #expect(lines.count == expected.count, "\(run.errors)")
    }

    @Test func aStartSaysAllThatIsWrongWithTheSettings() throws {
        try folder.makeFolder("runs")
        try folder.write("modeld.yaml", "max_in_flight: many\nmax_conections: 3\n")
        let run = try modeld("--set", "log_level=loud")
        #expect(run.exit == .exited(78) && run.errors.split(separator: "\n").count == 3, "\(run)")
        try folder.write("modeld.yaml", "")
        let missing = try modeld()
        #expect(missing.exit == .exited(78), "\(missing)")
        #expect(missing.errors.contains("model_repository is not set") && missing.errors.contains("socket is not set"))
    }
}
