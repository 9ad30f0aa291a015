import CWireMessages

// What the messages' initialisers read unpacked C fields with.

func decodeText(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> String {
    guard data.len > 0 else { return "" }
    guard let text = String(validating: UnsafeBufferPointer(start: data.data, count: data.len), as: UTF8.self) else {
        throw WireError(.invalidText, field: field, "it is not valid UTF-8")
    }
    return text
}

func decodeTexts(
    _ count: Int,
    _ list: UnsafeMutablePointer<ProtobufCBinaryData>?,
    _ field: String
) throws(WireError) -> [String] {
    guard count > 0, let list else { return [] }
    var texts: [String] = []
    texts.reserveCapacity(count)
    for index in 0..<count {
        do throws(WireError) {
            texts.append(try decodeText(list[index], ""))
        } catch {
            throw error.inside("\(field)[\(index)]")
        }
    }
    return texts
}

func decodeBytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    Array(UnsafeBufferPointer(start: data.data, count: data.len))
}

func decodeNumbers<T: BitwiseCopyable>(_ count: Int, _ list: UnsafeMutablePointer<T>?) -> [T] {
    Array(UnsafeBufferPointer(start: list, count: list == nil ? 0 : count))
}

func decodeFlags(_ count: Int, _ list: UnsafeMutablePointer<protobuf_c_boolean>?) -> [Bool] {
    UnsafeBufferPointer(start: list, count: list == nil ? 0 : count).map { $0 != 0 }
}

func decodeEnum<E: RawRepresentable>(_ value: UInt32, _ field: String) throws(WireError) -> E
where E.RawValue == UInt32 {
    guard let known = E(rawValue: value) else {
        throw WireError(.invalidValue, field: field, "this version does not know the value \(value)")
    }
    return known
}

func decodeMessage<M: WireMessage>(
    _ message: UnsafeMutablePointer<M.CMessage>?,
    _ field: String
) throws(WireError) -> M? {
    guard let message else { return nil }
    do throws(WireError) {
        return try M(message.pointee)
    } catch {
        throw error.inside(field)
    }
}

func decodeMessages<M: WireMessage>(
    _ count: Int,
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<M.CMessage>?>?,
    _ field: String
) throws(WireError) -> [M] {
    guard count > 0, let list else { return [] }
    var messages: [M] = []
    messages.reserveCapacity(count)
    for index in 0..<count {
        guard let message = list[index] else { continue }
        do throws(WireError) {
            messages.append(try M(message.pointee))
        } catch {
            throw error.inside("\(field)[\(index)]")
        }
    }
    return messages
}

/// The body of a frame's `oneof`, which is there whenever its case is set.
func decodeBody<M: WireMessage>(_ body: UnsafeMutablePointer<M.CMessage>?, _ field: String) throws(WireError) -> M {
    guard let message: M = try decodeMessage(body, field) else {
        throw WireError(.malformed, field: field, "it is empty")
    }
    return message
}
