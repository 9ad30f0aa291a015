import CWireMessages

/// The C form of a message while it is packed: structures and copies of texts and lists, released as a whole.
package struct EncodingArena: ~Copyable {
    /// Chunks form a list through their first word.
    private var chunk: UnsafeMutableRawPointer
    private var used = EncodingArena.alignment
    private var capacity = 4096
    private static let alignment = 16

    init() {
        chunk = .allocate(byteCount: capacity, alignment: Self.alignment)
        chunk.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
    }

    deinit {
        var next: UnsafeMutableRawPointer? = chunk
        while let current = next {
            next = current.load(as: UnsafeMutableRawPointer?.self)
            current.deallocate()
        }
    }

    private mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        if bytes > capacity - used {
            capacity = max(2 * capacity, bytes + 2 * Self.alignment)
            let next = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: Self.alignment)
            next.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
            chunk = next
            used = Self.alignment
        }
        defer { used = min(capacity, (used + bytes + Self.alignment - 1) & ~(Self.alignment - 1)) }
        return chunk + used
    }

    private mutating func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        allocate(count * MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
    }

    mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        guard !bytes.isEmpty else { return ProtobufCBinaryData() }
        let copy = allocate(UInt8.self, count: bytes.count)
        bytes.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: $0.count) }
        return ProtobufCBinaryData(len: bytes.count, data: copy)
    }

    mutating func text(_ text: String) -> ProtobufCBinaryData {
        let count = text.utf8.count
        guard count > 0 else { return ProtobufCBinaryData() }
        let copy = UnsafeMutableBufferPointer(start: allocate(UInt8.self, count: count), count: count)
        _ = copy.initialize(fromContentsOf: text.utf8)
        return ProtobufCBinaryData(len: count, data: copy.baseAddress)
    }

    mutating func texts(_ texts: [String]) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
        guard !texts.isEmpty else { return (0, nil) }
        let list = allocate(ProtobufCBinaryData.self, count: texts.count)
        for (index, text) in texts.enumerated() { (list + index).initialize(to: self.text(text)) }
        return (texts.count, list)
    }

    mutating func numbers<T: BitwiseCopyable>(_ numbers: [T]) -> (Int, UnsafeMutablePointer<T>?) {
        guard !numbers.isEmpty else { return (0, nil) }
        let copy = allocate(T.self, count: numbers.count)
        numbers.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: $0.count) }
        return (numbers.count, copy)
    }

    mutating func flags(_ flags: [Bool]) -> (Int, UnsafeMutablePointer<protobuf_c_boolean>?) {
        guard !flags.isEmpty else { return (0, nil) }
        let list = allocate(protobuf_c_boolean.self, count: flags.count)
        for (index, flag) in flags.enumerated() { (list + index).initialize(to: flag ? 1 : 0) }
        return (flags.count, list)
    }

    mutating func message<M: WireMessage>(_ message: M) -> UnsafeMutablePointer<M.CMessage> {
        let structure = allocate(M.CMessage.self, count: 1)
        M.initialize(structure)
        message.fill(&structure.pointee, &self)
        return structure
    }

    mutating func messages<M: WireMessage>(
        _ messages: [M]
    ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<M.CMessage>?>?) {
        guard !messages.isEmpty else { return (0, nil) }
        let list = allocate(UnsafeMutablePointer<M.CMessage>?.self, count: messages.count)
        for (index, message) in messages.enumerated() { (list + index).initialize(to: self.message(message)) }
        return (messages.count, list)
    }
}
