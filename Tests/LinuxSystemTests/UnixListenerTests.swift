import Foundation
import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite struct UnixListenerTests {
    @Test func acceptsConnectionsAndLeavesNothingBehind() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.sock")
        let listener = try UnixListener(path: path, mode: 0o600)
        #expect(try folder.contents() == ["a.sock", "a.sock.lock"])
        #expect(try permissions(path) == 0o600)
        #expect(try FileContents.readText(path + ".lock") == "\(getpid())")
        let isIdle = isNone(try listener.accept())
        #expect(isIdle)

        let client = try UnixStream.connect(to: path)
        let server = try accepted(by: listener)
        #expect(try server.peerCredentials().processID == getpid())
        #expect(try [UInt8(3)].withUnsafeBytes { try client.writeFully($0) })
        var byte: [UInt8] = [0]
        #expect(try byte.withUnsafeMutableBytes { try server.readFully(into: $0) } == 1)
        #expect(byte == [3])

        listener.close()
        #expect(try folder.contents() == [])
        let error = #expect(throws: SystemError.self) { _ = try UnixStream.connect(to: path) }
        #expect(error?.errorNumber == ENOENT && error?.path == path)
    }

    @Test func makesTheMissingDirectory() throws {
        let folder = try TemporaryFolder()
        let listener = try UnixListener(path: folder("run/deep/a.sock"))
        #expect(try permissions(folder("run")) & 0o7777 & ~0o750 == 0)
        #expect(try permissions(folder("run/deep")) & ~0o750 == 0)
        listener.close()
    }

    @Test func aSecondListenerIsToldWhoServes() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.sock")
        let listener = try UnixListener(path: path)
        let error = #expect(throws: SystemError.self) { _ = try UnixListener(path: path) }
        #expect(error?.errorNumber == EADDRINUSE)
        #expect(error?.hint?.hasPrefix("It is served by process \(getpid()) (") == true, "\(String(describing: error))")
        // The failed attempt changed nothing.
        let client = try UnixStream.connect(to: path)
        _ = try accepted(by: listener)
        client.close()
        listener.close()
    }

    @Test func aStaleSocketIsReplaced() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.sock")
        try leaveStaleSocket(at: path, in: folder)
        #expect(try folder.contents() == ["a.sock"])
        let error = #expect(throws: SystemError.self) { _ = try UnixStream.connect(to: path) }
        #expect(error?.errorNumber == ECONNREFUSED)
        let listener = try UnixListener(path: path)
        let client = try UnixStream.connect(to: path)
        _ = try accepted(by: listener)
        client.close()
        listener.close()
    }

    @Test func aLiveServerWithoutTheLockIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let (elsewhere, path) = (folder("other.sock"), folder("a.sock"))
        let other = try UnixListener(path: elsewhere)
        #expect(rename(elsewhere, path) == 0)
        let error = #expect(throws: SystemError.self) { _ = try UnixListener(path: path) }
        #expect(error?.errorNumber == EADDRINUSE)
        #expect(error?.hint?.contains("process \(getpid())") == true)
        let client = try UnixStream.connect(to: path)
        client.close()
        other.close()
    }

    @Test(arguments: ["file", "directory", "link"]) func whatIsNotASocketIsLeftAlone(kind: String) throws {
        let folder = try TemporaryFolder()
        let path = folder("a.sock")
        switch kind {
        case "file": try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        case "directory": #expect(mkdir(path, 0o700) == 0)
        default: #expect(symlink("/nowhere", path) == 0)
        }
        let error = #expect(throws: SystemError.self) { _ = try UnixListener(path: path) }
        #expect(error?.errorNumber == EEXIST)
        #expect(error?.description.contains("not a socket") == true)
        #expect(try folder.contents() == ["a.sock"])
        if kind == "file" { #expect(try FileContents.readText(path) == "precious") }
    }

    @Test func aLockFileThatIsALinkIsRefused() throws {
        let folder = try TemporaryFolder()
        let victim = folder("victim")
        try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
        #expect(symlink(victim, folder("a.sock.lock")) == 0)
        #expect(throws: SystemError.self) { _ = try UnixListener(path: folder("a.sock")) }
        #expect(try FileContents.readText(victim) == "precious")
    }

    /// Who could write to the lock file could lock it, and keep the server from its socket.
    @Test func row74ALockFileIsTheServersAlone() throws {
        let folder = try TemporaryFolder()
        let (path, lock) = (folder("a.sock"), folder("a.sock.lock"))
        try folder.write("a.sock.lock", "1")
        #expect(chmod(lock, 0o644) == 0)
        let listener = try UnixListener(path: path)
        #expect(try permissions(lock) == 0o600)
        listener.close()
        func refusal() -> SystemError? {
            let error = #expect(throws: SystemError.self) { _ = try UnixListener(path: path) }
            return error
        }
        try folder.write("a.sock.lock", "1")
        #expect(chmod(lock, 0o666) == 0)
        let description = "lock \(lock): Operation not permitted (EPERM). Remove it: every user may write to it."
        #expect(refusal()?.description == description)
        if geteuid() == 0 {
            #expect(chmod(lock, 0o600) == 0 && chown(lock, 65534, 65534) == 0)
            #expect(refusal()?.hint == "Remove it: it belongs to user 65534.")
        }
        #expect(unlink(lock) == 0 && mkfifo(lock, 0o600) == 0)
        #expect(refusal()?.hint == "Remove it: it is no regular file.")
    }

    @Test func impossiblePathsAreRefused() throws {
        let long = "/tmp/" + String(repeating: "x", count: 103)
        let error = #expect(throws: SystemError.self) { _ = try UnixListener(path: long) }
        #expect(error?.errorNumber == ENAMETOOLONG)
        #expect(error?.hint == "It has 108 bytes and a Unix socket's path at most 107; choose a shorter one.")
        #expect(throws: SystemError.self) { _ = try UnixStream.connect(to: long) }
        #expect(throws: SystemError.self) { _ = try UnixListener(path: "") }
        #expect(throws: SystemError.self) { _ = try UnixListener(path: "/tmp/a\0b") }
    }

    @Test func theLongestPathWorks() throws {
        let folder = try TemporaryFolder()
        let room = 107 - folder.path.utf8.count - 1
        let listener = try UnixListener(path: folder(String(repeating: "y", count: room)))
        #expect(listener.path.utf8.count == 107)
        _ = try UnixStream.connect(to: listener.path)
        listener.close()
    }

    @Test func aSocketThatAnotherPutThereSurvivesOurEnd() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.sock")
        let first = try UnixListener(path: path)
        #expect(unlink(path) == 0)
        let other = try UnixListener(path: folder("b.sock"))
        #expect(rename(folder("b.sock"), path) == 0)
        first.close()
        _ = try UnixStream.connect(to: path)
        other.close()
    }

    @Test func ofManyStartingAtOnceExactlyOneListens() async throws {
        let folder = try TemporaryFolder()
        for round in 0..<10 {
            let path = folder("\(round).sock")
            try leaveStaleSocket(at: path, in: folder)
            let winners = await withTaskGroup(of: Shared<UnixListener>?.self) { group in
                for _ in 0..<8 {
                    group.addTask { try? Shared(UnixListener(path: path)) }
                }
                // Winners are kept until all have tried; a released one would make room for a second.
                return await group.reduce(into: []) { if let winner = $1 { $0.append(winner) } }
            }
            #expect(winners.count == 1)
            try withExtendedLifetime(winners) { _ = try UnixStream.connect(to: path) }
        }
    }

    /// Listens elsewhere, moves the socket here and stops: what a killed server leaves.
    private func leaveStaleSocket(at path: String, in folder: TemporaryFolder) throws {
        let elsewhere = folder("elsewhere.sock")
        let listener = try UnixListener(path: elsewhere)
        guard rename(elsewhere, path) == 0 else { throw SystemError("rename", errno, path: elsewhere) }
        listener.close()
        // A program that another test is starting has a copy of the descriptor until it has become that program.
        let end = ContinuousClock.now + .seconds(10)
        while let stream = try? UnixStream.connect(to: path), ContinuousClock.now < end {
            stream.close()
            sched_yield()
        }
    }

    private func accepted(by listener: borrowing UnixListener) throws -> UnixStream {
        guard let stream = try listener.accept() else { throw SystemError("accept", EAGAIN) }
        return stream
    }

    private func permissions(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }
}
