import Glibc
import Messages
import Testing
import Wire

@Suite struct HostileBytesTests {
    struct Malformed: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var reason: String
        var testDescription: String { name }
    }

    static let malformed: [Malformed] = [
        Malformed(name: "empty", bytes: [], reason: "no body"),
        Malformed(name: "cut tag", bytes: [0x80], reason: "ends within a number"),
        Malformed(name: "tag 0", bytes: [0x00, 0x00], reason: "number 0"),
        Malformed(name: "tag of six bytes", bytes: [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00], reason: "longer than 5"),
        Malformed(name: "group", bytes: [0x0b, 0x0c], reason: "encoding 3"),
        Malformed(name: "encoding 7", bytes: [0x0f], reason: "encoding 7"),
        Malformed(name: "length beyond the end", bytes: [0x12, 0x05, 0x08], reason: "beyond the message's end"),
        Malformed(
            name: "huge length",
            bytes: [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
            reason: "beyond the message's end"
        ),
        Malformed(name: "a message as a varint", bytes: [0x10, 0x01], reason: "request: its encoding does not fit"),
        Malformed(name: "bytes as a varint", bytes: [0x12, 0x02, 0x10, 0x01], reason: "request.method"),
        Malformed(
            name: "endless varint",
            bytes: [0x12, 0x0b, 0x08] + Array(repeating: 0xff, count: 10),
            reason: "longer"
        ),
        Malformed(name: "the same body twice", bytes: [0x22, 0x00, 0x22, 0x00], reason: "more than once"),
        Malformed(name: "two bodies", bytes: [0x22, 0x00, 0x2a, 0x00], reason: "more than once"),
        Malformed(
            name: "timings twice",
            bytes: [0x1a, 0x04, 0x2a, 0x00, 0x2a, 0x00],
            reason: "response.timings: it appears more than once"
        ),
        Malformed(name: "unknown body only", bytes: [0xfa, 0x01, 0x00], reason: "no body"),
        Malformed(
            name: "method not UTF-8",
            bytes: [0x12, 0x03, 0x12, 0x01, 0xff],
            reason: "request.method: it is not"
        ),
        Malformed(
            name: "overlong UTF-8",
            bytes: [0x12, 0x04, 0x12, 0x02, 0xc0, 0x80],
            reason: "request.method: it is not"
        ),
        Malformed(
            name: "surrogate in UTF-8",
            bytes: [0x12, 0x05, 0x12, 0x03, 0xed, 0xa0, 0x80],
            reason: "request.method: it is not"
        ),
    ]

    @Test(arguments: malformed)
    func isRefusedWithAReason(_ sample: Malformed) {
        let error = #expect(throws: WireError.self) { try Frame.decode(sample.bytes) }
        #expect(error?.status == .invalidArgument)
        #expect(error?.message.contains(sample.reason) == true, "\(error?.message ?? "none")")
    }

    @Test func errorsNameTheFieldAndItsIndex() {
        let bytes: [UInt8] = [0x0a, 0x00, 0x0a, 0x03, 0x0a, 0x01, 0xff]
        let error = #expect(throws: WireError.self) { try ClassifyRequest.decode(bytes) }
        #expect(error?.field == "inputs[1].text")
        let unknown = #expect(throws: WireError.self) { try ClassifyRequest.decode([0x28, 0x09]) }
        #expect(unknown?.message == "truncation: this version does not know the value 9")
    }

    @Test func aTensorsShapeMustFitItsValues() throws {
        func field(_ tensor: Tensor) -> String? {
            do throws(WireError) {
                _ = try InferRequest.decode(InferRequest(inputs: [Tensor(name: "first"), tensor]).encode())
                return nil
            } catch {
                return error.status == .invalidArgument ? error.field : "\(error.status)"
            }
        }
        let shape = "inputs[1].shape"
        // The first tensor has no shape, so it should be one value.
        #expect(field(Tensor()) == "inputs[0].shape")
        func second(_ tensor: Tensor) -> String? {
            do throws(WireError) {
                let first = Tensor(name: "first", shape: [1, 2], int64Data: [1, 2])
                _ = try InferRequest.decode(InferRequest(inputs: [first, tensor]).encode())
                return nil
            } catch {
                return error.status == .invalidArgument ? error.field : "\(error.status)"
            }
        }
        #expect(second(Tensor(shape: [2, 2], int64Data: [1, 2, 3, 4])) == nil)
        #expect(second(Tensor(int64Data: [1])) == nil)
        #expect(second(Tensor(shape: [0, .max])) == nil)
        #expect(second(Tensor(type: .float32, shape: [.max, .max, 0])) == nil)
        #expect(second(Tensor(shape: [2, 3], int64Data: [1, 2, 3, 4])) == shape)
        #expect(second(Tensor(shape: [0], int64Data: [1])) == shape)
        #expect(second(Tensor(shape: [1 << 32, 1 << 32], int64Data: [])) == shape)
        #expect(second(Tensor(shape: [1 << 63, 2, 1], int64Data: [])) == shape)
        #expect(second(Tensor(type: .float32, shape: [1], int64Data: [1])) == "inputs[1].int64_data")
        #expect(second(Tensor(shape: [1], int64Data: [1], floatData: [1])) == "inputs[1].float_data")
        let error = #expect(throws: WireError.self) {
            try Tensor.decode(Tensor(shape: [2, 3], int64Data: [1]).encode())
        }
        #expect(error?.message == "shape: [2, 3] does not fit the 1 values of int64_data")
    }

    @Test func errorsOfTheTasksNameTheField() {
        func field<M: WireMessage>(_ type: M.Type, _ bytes: [UInt8]) -> String? {
            do throws(WireError) {
                _ = try M.decode(bytes)
                return nil
            } catch {
                return error.field
            }
        }
        #expect(field(TagTokensRequest.self, [0x0a, 0x01, 0x61, 0x0a, 0x01, 0xff]) == "texts[1]")
        #expect(field(TagTokensRequest.self, [0x10, 0x05]) == "aggregation_strategy")
        #expect(field(AnswerQuestionRequest.self, [0x0a, 0x03, 0x12, 0x01, 0xff]) == "inputs[0].context")
        #expect(field(FillMaskRequest.self, [0x1a, 0x01, 0xff]) == "targets[0]")
        #expect(field(ZeroShotRequest.self, [0x1a, 0x01, 0xff]) == "hypothesis_template")
        #expect(field(ZeroShotRequest.self, [0x12, 0x01, 0xff]) == "labels[0]")
        #expect(field(RerankRequest.self, [0x0a, 0x01, 0xff]) == "query")
        #expect(field(MultipleChoiceRequest.self, [0x0a, 0x03, 0x12, 0x01, 0xff]) == "inputs[0].choices[0]")
        #expect(field(ClassifyRequest.self, [0x30, 0x02]) == "window_pooling")
        #expect(field(EmbedRequest.self, [0x32, 0x01, 0xff]) == "prompt_name")
        #expect(field(InferRequest.self, [0x0a, 0x02, 0x10, 0x02]) == "inputs[0].type")
    }

    @Test func packedListsMustBeWhole() {
        // Embedding.values, 5 bytes of floats.
        let error = #expect(throws: WireError.self) {
            try EmbedResponse.decode([0x0a, 0x07, 0x0a, 0x05, 0, 0, 0, 0, 0])
        }
        #expect(error?.field == "results.values")
    }

    @Test func aFewUnknownFieldsAreSkipped() throws {
        // Field 900, an empty length-prefixed value, as a newer peer may send.
        let unknown: [UInt8] = [0xa2, 0x38, 0x00]
        let bytes = Cancel(streamID: 7).encode() + Array(repeatElement(unknown, count: 1_000).joined())
        #expect(try Cancel.decode(bytes) == Cancel(streamID: 7))
        #expect(throws: WireError.self) { try Cancel.decode(bytes + unknown) }
    }

    @Test func twoMillionUnknownFieldsAreRefusedBeforeAnythingIsUnpacked() {
        let bytes = [UInt8](repeatElement([0x7a, 0x00], count: 2_000_000).joined())
        let before = residentBytes()
        let error = #expect(throws: WireError.self) { try Request.decode(bytes) }
        #expect(error?.status == .resourceExhausted)
        // At 56 bytes and an allocation a field, unpacking would take more than 110 MB.
        #expect(residentBytes() - before < 16 << 20)
    }

    @Test func knownFieldsAndMemoryAreCapped() {
        let limits = DecodingLimits(fields: 100, memoryBytes: 20_000)
        let many = ClassifyRequest(inputs: Array(repeating: TextInput(), count: 101)).encode()
        let tooMany = #expect(throws: WireError.self) { try ClassifyRequest.decode(many, limits: limits) }
        #expect(tooMany?.message.contains("more than 100 fields") == true)
        let large = ClassifyRequest(inputs: [TextInput(text: String(repeating: "x", count: 20_000))]).encode()
        let tooLarge = #expect(throws: WireError.self) { try ClassifyRequest.decode(large, limits: limits) }
        #expect(tooLarge?.message.contains("more than 20000 bytes") == true)
        #expect(tooLarge?.kind == .tooLarge)
    }

    @Test func aSmallStackSuffices() {
        // Nesting in unknown fields is skipped by length, so it costs no stack.
        var nested: [UInt8] = []
        for _ in 0..<20_000 where nested.count < 1 << 20 {
            var length = nested.count
            var prefix: [UInt8] = [0x7a]
            while length >= 0x80 {
                prefix.append(UInt8(length & 0x7f) | 0x80)
                length >>= 7
            }
            nested = prefix + [UInt8(length)] + nested
            if nested.count > 60_000 { break }
        }
        let bytes = nested
        let deepest = StatusResponse(models: [Samples.model]).encode()
        let ok = withThread(stackBytes: 64 << 10) {
            (try? Request.decode(bytes)) == Request() && (try? StatusResponse.decode(deepest)) != nil
                && !Frame.response(Samples.response).encode().isEmpty
        }
        #expect(ok)
    }

    private func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        fgets(&line, 128, file)
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (Int(fields.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private final class Job {
        let body: () -> Bool
        var result = false
        init(_ body: @escaping () -> Bool) { self.body = body }
    }

    private func withThread(stackBytes: Int, _ body: @escaping () -> Bool) -> Bool {
        let job = Job(body)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        var thread = pthread_t()
        let created = pthread_create(
            &thread,
            &attributes,
            { context in
                let job = Unmanaged<Job>.fromOpaque(context!).takeUnretainedValue()
                job.result = job.body()
                return nil
            },
            Unmanaged.passUnretained(job).toOpaque()
        )
        guard created == 0 else { return false }
        pthread_join(thread, nil)
        return withExtendedLifetime(job) { job.result }
    }
}
