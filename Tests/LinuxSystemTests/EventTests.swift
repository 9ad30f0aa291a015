import Glibc
import LinuxSystem
import Testing
import Time

@Suite struct EventTests {
    @Test func epollReportsTokensAndReadiness() throws {
        let epoll = try Epoll()
        let pair = try UnixStream.pair()
        let number = pair.first.rawValue
        var events = EventBuffer(capacity: 4)
        let largest = UInt64.max
        try epoll.add(number, token: largest, interest: [.readable, .peerClosed])
        try epoll.wait(into: &events, until: .at(.start))
        #expect(events.isEmpty)

        #expect(try [UInt8(1)].withUnsafeBytes { try pair.second.writeFully($0) })
        try epoll.wait(into: &events)
        #expect(Array(events) == [ReadyEvent(token: largest, readiness: .readable)])

        try epoll.modify(number, token: 5, interest: [.writable])
        try epoll.wait(into: &events)
        #expect(Array(events) == [ReadyEvent(token: 5, readiness: .writable)])

        pair.second.close()
        try epoll.modify(number, token: 6, interest: [.peerClosed])
        try epoll.wait(into: &events)
        #expect(events.first?.token == 6)
        #expect(events.first?.readiness.isSuperset(of: [.hangUp, .peerClosed]) == true)

        try epoll.remove(number)
        try epoll.wait(into: &events, until: .at(.start))
        #expect(events.isEmpty)
        let error = #expect(throws: SystemError.self) { try epoll.remove(number) }
        #expect(error?.errorNumber == ENOENT)
    }

    @Test func aWaitNeverEndsEarly() throws {
        let epoll = try Epoll()
        var events = EventBuffer()
        for wait: Duration in [.nanoseconds(1), .microseconds(300), .milliseconds(2)] {
            let end = MonotonicClock.now + wait
            try epoll.wait(into: &events, until: .at(end))
            #expect(MonotonicClock.now >= end)
        }
    }

    @Test func moreEventsThanTheBufferHoldsComeInTurns() throws {
        let epoll = try Epoll()
        let flags = try (0..<10).map { _ in try Shared(EventDescriptor()) }
        for (index, flag) in flags.enumerated() {
            try epoll.add(flag.value.rawValue, token: UInt64(index), interest: .readable)
            try flag.value.signal()
        }
        var events = EventBuffer(capacity: 4)
        var seen: Set<UInt64> = []
        while seen.count < 10 {
            try epoll.wait(into: &events, until: .at(MonotonicClock.now + .seconds(10)))
            try #require(!events.isEmpty && events.count <= 4)
            for event in events {
                #expect(seen.insert(event.token).inserted)
                #expect(try flags[Int(event.token)].value.acknowledge())
            }
        }
    }

    @Test func aFlagStaysRaisedUntilAcknowledged() throws {
        let flag = try EventDescriptor()
        #expect(try flag.acknowledge() == false)
        try flag.signal()
        try flag.signal()
        #expect(try flag.descriptor.waitReadable(within: .zero))
        #expect(try flag.acknowledge())
        #expect(try flag.acknowledge() == false)
    }

    @Test func signalsBecomeEvents() throws {
        let events = try OwnThread {
            let signals = try SignalDescriptor([.user1, .hangUp])
            let before = try signals.next()
            // Sent to this thread alone: the other threads of the tests do not block it.
            pthread_kill(pthread_self(), SIGUSR1)
            pthread_kill(pthread_self(), SIGHUP)
            return [before, try signals.next(), try signals.next(), try signals.next()]
        }.join()
        #expect(events[0] == nil && events[3] == nil)
        let received = events.compactMap { $0 }
        #expect(Set(received.map(\.signal)) == [.user1, .hangUp])
        #expect(received.allSatisfy { $0.sender == getpid() })
    }
}
