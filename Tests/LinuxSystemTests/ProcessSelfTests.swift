import Glibc
import LinuxSystem
import Testing

@Suite struct ProcessSelfTests {
    @Test func dyingWithTheParentChecksWhoThatIs() throws {
        // The request belongs to the thread, so it ends with this one and does not touch the test process.
        let answers = try OwnThread {
            [
                try ProcessSelf.dieWithParent(ProcessSelf.parentProcessID),
                try ProcessSelf.dieWithParent(ProcessSelf.processID),
            ]
        }.join()
        #expect(answers == [true, false])
    }

    @Test func privilegesAndSignalsAreChangedInAProcessOfItsOwn() async {
        await #expect(processExitsWith: .exitCode(0)) {
            try ProcessSelf.forbidNewPrivileges()
            let status = try FileContents.readText("/proc/thread-self/status")
            guard status.contains("NoNewPrivs:\t1") else { exit(41) }

            try ProcessSelf.ignoreWriteSignals()
            let pipe = try OwnedDescriptor.pipe()
            let writing = pipe.writing
            pipe.reading.close()
            guard try [UInt8(1)].withUnsafeBytes({ try writing.write($0) }) == .closed else { exit(42) }

            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard try ProcessSelf.raiseOpenFileLimit() == Int(limit.rlim_max) else { exit(43) }
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard limit.rlim_cur == limit.rlim_max else { exit(44) }

            try ProcessSelf.setDumpable(false)
            guard try ProcessSelf.executablePath().hasPrefix("/") else { exit(45) }
            exit(0)
        }
    }

    @Test func memoryUsageIsPlausible() throws {
        let usage = try MemoryUsage.of(processID: getpid())
        #expect(usage.residentBytes > 1 << 20)
        let proportional = try #require(usage.proportionalBytes)
        #expect(proportional > 0 && proportional <= usage.residentBytes)
        #expect(throws: SystemError.self) { try MemoryUsage.of(processID: Int32.max) }
    }

    @Test func errorsNameOperationFileAndReason() {
        let error = #expect(throws: SystemError.self) { _ = try FileContents.read("/nonexistent/file") }
        #expect(error?.description == "open /nonexistent/file: No such file or directory (ENOENT)")
        let tooLong = #expect(throws: SystemError.self) { _ = try FileContents.read("/proc/self/maps", limit: 10) }
        #expect(tooLong?.errorNumber == EFBIG)
        #expect(SystemError("try", 9999).errorName == "errno 9999")
    }
}

@Suite struct MemoryTests {
    @Test func aRegionShowsWhatAnotherWrites() throws {
        let file = try MemoryFile.create(name: "test", size: 8192)
        let writer = try MappedRegion(file, writable: true)
        let reader = try MappedRegion(file)
        #expect(reader.bytes.count == 8192 && reader.bytes.allSatisfy { $0 == 0 })
        writer.mutableBytes[5000] = 42
        #expect(reader.bytes[5000] == 42)
        let copy = try file.duplicate()
        file.close()
        let again = try MappedRegion(copy.rawValue, length: 6000)
        #expect(again.bytes.count == 6000 && again.bytes[5000] == 42)
    }

    @Test func aSealedFileCannotChange() throws {
        let file = try MemoryFile.create(name: "test", size: 4096)
        #expect(MemoryFile.isSealed(file) == false)
        do {
            let writer = try MappedRegion(file, writable: true)
            writer.mutableBytes[0] = 1
            let busy = #expect(throws: SystemError.self) { try MemoryFile.seal(file) }
            #expect(busy?.errorNumber == EBUSY)
        }
        try MemoryFile.seal(file)
        #expect(MemoryFile.isSealed(file) == true)
        #expect(try MappedRegion(file).bytes[0] == 1)
        let refused = #expect(throws: SystemError.self) { _ = try MappedRegion(file, writable: true) }
        #expect(refused?.errorNumber == EPERM)
        #expect(ftruncate(file.rawValue, 0) == -1)
        #expect(MemoryFile.isSealed(try OwnedDescriptor.open("/dev/null")) == false)
    }

    @Test func anEmptyFileIsNotMapped() throws {
        let file = try MemoryFile.create(name: "test", size: 0)
        let error = #expect(throws: SystemError.self) { _ = try MappedRegion(file) }
        #expect(error?.hint == "The file is empty.")
    }
}
