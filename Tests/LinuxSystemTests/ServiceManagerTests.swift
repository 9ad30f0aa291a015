import Glibc
import LinuxSystem
import TestSupport
import Testing
import Time

@Suite struct ServiceManagerTests {
    let folder: TemporaryFolder
    let now = Instant.start + .seconds(100)

    init() throws { folder = try TemporaryFolder() }

    @Test func itIsToldByPathAndByAbstractName() throws {
        for name in [folder("notify"), "@distillery-test-\(folder.path)"] {
            let socket = try NotifySocket(name)
            var manager = try ServiceManager(environment: ["NOTIFY_SOCKET": name], at: now)
            try manager.tell("READY=1\nSTATUS=2 of 2", at: now)
            #expect(try socket.next() == "READY=1\nSTATUS=2 of 2")
            #expect(manager.deadline == .never)
        }
    }

    @Test func withoutTheVariablesNobodyIsTold() throws {
        var manager = try ServiceManager(environment: ["WATCHDOG_USEC": "1000"], at: now)
        try manager.tell("READY=1", at: now)
        try manager.attend(at: now)
        #expect(manager.deadline == .never)
        let isNone = isNone(try manager.takeListener())
        #expect(isNone)
    }

    @Test(arguments: [nil, "\(getpid())"]) func signsOfLifeComeTwiceInTheTimeThatIsGiven(process: String?) throws {
        let socket = try NotifySocket(folder("notify"))
        var environment = ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "3000000"]
        environment["WATCHDOG_PID"] = process
        var manager = try ServiceManager(environment: environment, at: now)
        #expect(manager.deadline == .at(now))
        try manager.attend(at: now)
        #expect(try socket.next() == "WATCHDOG=1")
        #expect(manager.deadline == .at(now + .milliseconds(1500)))
        try manager.attend(at: now + .milliseconds(1499))
        #expect(try socket.next(within: .zero) == nil)
        // A loop that was held up begins anew, and makes up for nothing.
        try manager.attend(at: now + .seconds(10))
        #expect(try socket.next() == "WATCHDOG=1")
        #expect(try socket.next(within: .zero) == nil)
        #expect(manager.deadline == .at(now + .milliseconds(11_500)))
    }

    @Test(arguments: [("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "soon")])
    func whatIsMeantForAnotherIsPassedOver(variable: String, value: String) throws {
        var environment = ["NOTIFY_SOCKET": folder("notify"), "WATCHDOG_USEC": "3000000"]
        environment[variable] = value
        #expect(try ServiceManager(environment: environment, at: now).deadline == .never)
    }

    /// It reads nothing for a while: nobody waits for it, and it is told what matters, in order, and the last sentence.
    @Test func aManagerThatIsBusyIsToldLater() throws {
        let socket = try NotifySocket(folder("notify"))
        let environment = ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "3000000"]
        var manager = try ServiceManager(environment: environment, at: now)
        let soon = Deadline.at(now + .milliseconds(50))
        var sent = 0
        while manager.deadline != soon, sent < 10_000 {
            try manager.attend(at: now)
            try manager.tell("STATUS=\(sent)", at: now)
            sent += 1
        }
        try manager.tell("READY=1", at: now)
        for number in 0..<100 { try manager.tell("STATUS=late \(number)", at: now) }
        try manager.tell("STOPPING=1", at: now)
        var told: [String] = []
        while let message = try socket.next(within: .zero) { told.append(message) }
        #expect(told == ["WATCHDOG=1"] + (0..<sent - 1).map { "STATUS=\($0)" })
        try manager.attend(at: now + .milliseconds(50))
        told = []
        while let message = try socket.next(within: .zero) { told.append(message) }
        #expect(told == ["READY=1", "STATUS=late 99", "STOPPING=1"])
        #expect(manager.deadline == .at(now + .milliseconds(1500)))
    }

    @Test func aManagerThatIsGoneIsNamedAndNothingWaitsForIt() throws {
        var manager = try ServiceManager(environment: ["NOTIFY_SOCKET": folder("gone")], at: now)
        let error = #expect(throws: SystemError.self) { try manager.tell("READY=1", at: now) }
        #expect(error?.path == folder("gone") && error?.errorNumber == ENOENT)
        let socket = try NotifySocket(folder("gone"))
        try manager.tell("STOPPING=1", at: now)
        #expect(try socket.next() == "STOPPING=1")
        let strange = ["NOTIFY_SOCKET": "vsock:2:1234"]
        #expect(throws: SystemError.self) { _ = try ServiceManager(environment: strange, at: now) }
    }

    // MARK: - The passed socket

    private func passing(_ descriptor: Int32, count: String = "1", process: Int32 = getpid()) throws -> ServiceManager {
        let environment = ["LISTEN_FDS": count, "LISTEN_PID": "\(process)", "LISTEN_FDNAMES": "a"]
        return try ServiceManager(environment: environment, at: now, firstPassed: descriptor)
    }

    @Test func aPassedSocketIsServedAndStays() throws {
        let path = folder("a.sock")
        let bound = try UnixListener(path: path)
        let copy = dup(bound.rawValue)
        var manager = try passing(copy)
        guard let listener = try manager.takeListener() else {
            Issue.record("no socket was passed")
            return
        }
        let isTakenOnce = isNone(try manager.takeListener())
        #expect(isTakenOnce)
        #expect(listener.path == path)
        #expect(listener.rawValue == copy)
        #expect(fcntl(copy, F_GETFD) & FD_CLOEXEC != 0)
        let client = try UnixStream.connect(to: path)
        let isAccepted = !isNone(try listener.accept())
        #expect(isAccepted)
        listener.close()
        client.close()
        _ = try UnixStream.connect(to: path)
        #expect(try folder.contents() == ["a.sock", "a.sock.lock"])
        bound.close()
    }

    @Test func socketsThatAreMeantForAnotherAreLeftAlone() throws {
        let pipe = try OwnedDescriptor.pipe()
        var other = try passing(pipe.reading.rawValue, process: 1)
        let isNothing = isNone(try other.takeListener())
        #expect(isNothing)
        #expect(ServiceManager.passesSocket(["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "1"]))
        #expect(!ServiceManager.passesSocket(["LISTEN_PID": "1", "LISTEN_FDS": "1"]))
        #expect(!ServiceManager.passesSocket(["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "0"]))
    }

    @Test(arguments: ["pipe", "datagram", "tcp", "connected", "closed", "two"])
    func whatCannotBeServedOnIsNamed(kind: String) throws {
        var pair: [Int32] = [-1, -1]
        let descriptor: Int32
        switch kind {
        case "pipe":
            try #require(pipe(&pair) == 0)
            descriptor = pair[0]
        case "datagram": descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        case "tcp": descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        case "connected":
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
            descriptor = pair[0]
        default: descriptor = 1_000_000
        }
        defer { if pair[1] >= 0 { close(pair[1]) } }
        var manager = try passing(descriptor, count: kind == "two" ? "2" : "1")
        let error = #expect(throws: SystemError.self) { _ = try manager.takeListener() }
        let words =
            switch kind {
            case "pipe": "It is no socket; pass one socket by ListenStream=PATH."
            case "datagram": "It is a Unix socket of another type"
            case "tcp": "It is no Unix socket"
            case "connected": "a Unix stream socket that does not listen"
            case "closed": "serve on the passed descriptor 1000000: Bad file descriptor"
            default: "LISTEN_FDS should be 1"
            }
        #expect("\(error!)".contains(words), "\(error!)")
    }
}
