import Glibc
import LinuxSystem
import TestSupport
import Testing

/// What is told of a file by its size and times, and by its owner.
@Suite struct FileStatusTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder("file")
        try folder.write("file", "as it was")
    }

    private func isUnchanged(after change: (borrowing OwnedDescriptor) throws -> Void) throws -> Bool {
        let file = try OwnedDescriptor.open(path, flags: O_RDWR)
        let before = try FileStatus(of: file)
        // The kernel's clock for files goes on every few milliseconds.
        usleep(20_000)
        try change(file)
        let after = try FileStatus(of: file)
        #expect(after.isSameFile(as: before))
        return after.isUnchanged(since: before)
    }

    @Test func row21WhatIsWrittenChangesAFileAlsoWhenItsTimeIsSetBack() throws {
        #expect(try !isUnchanged { file in _ = try [UInt8(65)].withUnsafeBytes { try file.write($0) } })
        let isUnchanged = try isUnchanged { file in
            var before = stat()
            #expect(fstat(file.rawValue, &before) == 0)
            _ = try [UInt8(66)].withUnsafeBytes { try file.write($0) }
            #expect(futimens(file.rawValue, [before.st_atim, before.st_mtim]) == 0)
        }
        #expect(!isUnchanged)
    }

    @Test func row21AFileThatIsCutHasChanged() throws {
        #expect(try !isUnchanged { _ = ftruncate($0.rawValue, 3) })
    }

    @Test func row21UseAndRemovalDoNotChangeAFile() throws {
        #expect(try isUnchanged { _ in })
        #expect(try isUnchanged { $0.noteUse() })
        #expect(try isUnchanged { _ in unlink(path) })
    }

    @Test func row74WhatOthersMayChangeIsNotTrusted() throws {
        func distrust(_ name: String, _ mode: UInt32) throws -> String? {
            #expect(chmod(folder(name), mode) == 0)
            return try FileStatus(at: folder(name)).distrust
        }
        try folder.makeFolder("folder")
        #expect(try distrust("file", 0o664) == nil)
        #expect(try distrust("file", 0o646) == "every user may write to it")
        #expect(try distrust("folder", 0o757) == "every user may write to it")
        #expect(try distrust("folder", 0o1777) == nil, "nobody removes another's files there")
        #expect(symlink(folder("folder"), folder("link")) == 0)
        #expect(try FileStatus(at: folder("link")).distrust == nil)
        #expect(try FileStatus(at: "/").distrust == nil, "it is root's")
        guard geteuid() == 0 else { return }
        #expect(lchown(folder("link"), 65534, 65534) == 0)
        #expect(try FileStatus(at: folder("link")).distrust == "it belongs to user 65534")
        #expect(try FileStatus(at: folder("link"), followsLinks: true).distrust == nil)
    }

    @Test func row24WhatIsNoRegularFileIsNotReadAndNotWaitedFor() throws {
        #expect(mkfifo(folder("pipe"), 0o600) == 0)
        for other in [folder("pipe"), folder.path, "/dev/zero"] {
            let error = #expect(throws: SystemError.self) { try FileContents.read(other, regularOnly: true) }
            #expect(error?.path == other && error?.hint == "It should be a regular file.")
        }
        #expect(symlink(path, folder("link")) == 0)
        #expect(try FileContents.readText(folder("link"), regularOnly: true) == "as it was")
    }

    /// Whoever has the number of a process that is gone, or the same one in another container, is not asked.
    @Test func row69AFileIsLockedForAsLongAsItIsOpenInOnePlace() throws {
        let other = try OwnedDescriptor.open(path)
        do {
            let file = try OwnedDescriptor.open(path)
            let copy = try file.duplicate()
            #expect(try file.lock())
            #expect(try !other.lock())
            file.close()
            #expect(try !other.lock(), "the packer has it")
            copy.close()
        }
        #expect(try other.lock())
    }
}
