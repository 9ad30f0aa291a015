import Glibc
import LinuxSystem
import Messages
import Wire

/// The serving loop: requests are remembered when prepared, and done in the order of their batches.
struct FakeWorker {
    let weights: String
    /// Whether it was told to compare the pack with its hash.
    let verifiesPack: Bool
    private var prepared: [UInt64: String] = [:]
    private var batches: [ToWorker.Start] = []
    private var draining = false

    init(weights: String, verifiesPack: Bool) {
        self.weights = weights
        self.verifiesPack = verifiesPack
    }

    mutating func run(_ channel: inout Channel) throws {
        while true {
            while let frame = try channel.poll() { try handle(frame, &channel) }
            if !batches.isEmpty {
                try compute(batches.removeFirst(), &channel)
            } else if draining {
                return
            } else {
                try handle(try channel.receive(), &channel)
            }
        }
    }

    private mutating func handle(_ frame: ToWorker, _ channel: inout Channel) throws {
        switch frame {
        case .prepare(let request):
            let command = String(decoding: request.payload, as: UTF8.self)
            if command == "refuse" {
                let result = FromWorker.Result(
                    requestID: request.requestID,
                    status: .invalidArgument,
                    message: "refused"
                )
                return try channel.send(.result(result))
            }
            prepared[request.requestID] = command
            let tokens = UInt32(command.utf8.count)
            try channel.send(.prepared(.init(requestID: request.requestID, tokens: tokens, sequences: 1)))
        case .start(let batch): batches.append(batch)
        case .revoke(let request): prepared[request.requestID] = nil
        case .drain: draining = true
        default: exit(64)
        }
    }

    private mutating func compute(_ batch: ToWorker.Start, _ channel: inout Channel) throws {
        let count = UInt32(batch.requestIDs.count)
        for id in batch.requestIDs {
            guard let command = prepared[id] else { continue }
            let answer = try perform(command[...], id, &channel)
            guard prepared.removeValue(forKey: id) != nil else { continue }
            try channel.send(
                .result(FromWorker.Result(requestID: id, payload: Array(answer.utf8), batchRequests: count))
            )
        }
        try channel.send(.batchDone(FromWorker.BatchDone(batchID: batch.batchID, computeMicroseconds: 1)))
    }

    private mutating func perform(_ command: Substring, _ id: UInt64, _ channel: inout Channel) throws -> String {
        let words = command.split(separator: " ", maxSplits: 1)
        let rest = words.count > 1 ? words[1] : ""
        switch words.first {
        case "echo": return "\(weights):\(rest)"
        case "verifies": return "\(verifiesPack)"
        case "pid": return "\(ProcessSelf.processID)"
        case "crash": abort()
        case "kill": kill(ProcessSelf.processID, SIGKILL)
        case "exit": exit(Int32(rest) ?? 1)
        case "garbage": try channel.sendGarbage()
        case "sleep":
            let end = MonotonicClock.now + (Int64(rest) ?? 0) * 1_000_000
            var signedAt = MonotonicClock.now
            // As a real worker between two steps: it looks at the channel, and stops when it is revoked.
            while MonotonicClock.now < end, prepared[id] != nil {
                while let frame = try channel.poll() { try handle(frame, &channel) }
                if MonotonicClock.now - signedAt > 100_000_000 {
                    signedAt = MonotonicClock.now
                    try channel.send(.progress(FromWorker.Progress()))
                }
                usleep(500)
            }
        case "hang": kill(ProcessSelf.processID, SIGSTOP)
        case "once":
            let parts = rest.split(separator: " ", maxSplits: 1)
            let file = open(String(parts[0]), O_CREAT | O_EXCL, 0o600)
            if file >= 0 { return try perform(parts[1], id, &channel) }
        default: break
        }
        return "\(weights):\(command)"
    }
}
