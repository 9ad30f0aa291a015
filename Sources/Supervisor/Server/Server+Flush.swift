import LinuxSystem

extension Server {
    /// Writes the output of every stream that has some, each with as few calls as it takes.
    func flush(at now: Int64) {
        while !toFlush.isEmpty {
            let streams = toFlush
            toFlush.removeAll(keepingCapacity: true)
            for stream in streams {
                stream.isMarkedForFlush = false
                flush(stream, at: now)
            }
        }
    }

    private func flush(_ stream: FramedStream, at now: Int64) {
        let progress = stream.output.flush(to: stream.stream)
        let owner = stream.owner
        switch progress {
        case .done, .waiting:
            let waits = progress == .waiting
            if waits != stream.waitsForWriting {
                stream.waitsForWriting = waits
                try? epoll.modify(
                    stream.descriptor,
                    token: owner.value,
                    interest: waits ? [.readable, .writable] : .readable
                )
            }
            if progress == .done, case .client(let id) = owner, let client = clients[id], client.isClosing {
                // The client reads the rest and then the end, and closes its side.
                try? stream.stream.shutdownWriting()
            }
        case .closed:
            // Clients are forgotten; a worker's end is seen by its process.
            if case .client(let id) = owner, let client = clients[id] { disconnect(client) }
        }
    }
}
