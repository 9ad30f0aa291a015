import Configuration
import Messages
import ModelFiles
import TestSupport
import Topology
import Wire

extension Parser {
    /// What `ModelFiles` reads from memory.
    static let bytes: [Parser] = [
        Parser(name: "json") {
            [#"{"a":[1,-2.5e3,true,null],"b\u00e9\ud83d\ude00":"\"\\\/\b\f\n\r\t","c":{}}"#, "[]", "-0.0"].map {
                Array($0.utf8)
            }
        } run: { bytes in
            bytes.withUnsafeBytes { FuzzEntry.json($0) }
        },
        Parser(name: "safetensors") {
            let header =
                #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}"#
            return [withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + header.utf8 + (0..<12)]
        } run: { bytes in
            bytes.withUnsafeBytes { FuzzEntry.safetensors($0) }
        },
    ]

    /// Messages of `proto/`; the first byte chooses which.
    static let wire: [Parser] = [
        Parser(name: "wire") {
            let classify = ClassifyRequest(inputs: [TextInput(text: "a", textPair: "é", hasPair: true)], topK: 3)
                .encode()
            let request = Request(
                streamID: 1,
                method: InferenceMethod.classify.rawValue,
                model: "m@2:int8",
                payload: classify
            )
            let frames: [Frame] = [
                .hello(Hello(protocolVersion: 1, softwareVersion: "0", features: ["a"])), .request(request),
                .response(Response(streamID: 1, message: "m", payload: classify, endOfStream: true)),
            ]
            // The last two are frame streams and model references.
            let count = UInt8(WireParsers.all.count)
            let embedding = Messages.Embedding(values: [3, 4], tokens: 2, truncated: true)
            return try frames.map { [WireParsers.index(of: Frame.self)] + $0.encode() }
                + frames.map { [count - 2] + (try FrameEncoder.encode($0)) }
                + [
                    [WireParsers.index(of: FromWorker.self)]
                        + FromWorker.batchDone(.init(batchID: 5, tokens: 16, computeMicroseconds: 900)).encode(),
                    [WireParsers.index(of: ClassifyRequest.self)] + classify,
                    [WireParsers.index(of: EmbedResponse.self)] + EmbedResponse(results: [embedding]).encode(),
                    [count - 1] + Array("model@2:int8".utf8),
                ]
        } run: { bytes in
            guard let first = bytes.first else { return false }
            return WireParsers.all[Int(first) % WireParsers.all.count](Array(bytes.dropFirst()))
        }
    ]

    /// The YAML files of the server and of a model.
    static let settings = Parser(name: "settings") {
        [
            """
            # the server
            model_repository: /srv/models
            socket: '/run/m.sock'
            cpus: 0-3,8
            max_frame_bytes: 65536
            allow_other_users: true
            drain_timeout_microseconds: 1000
            socket_mode: 0660
            log_level: "debug"
            """,
            """
            instance_group: {count: 2}
            dynamic_batching:
              max_queue_delay_microseconds: 500
              preferred_batch_size: [4, 8]
            weight: 1.5
            version_policy:
              specific:
                versions:
                  - 1
                  - 3
            variants: [fp32]
            """,
        ].map { Array($0.utf8) }
    } run: { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        var server = ServerConfiguration()
        let isServer = (try? server.apply(yaml: text, file: "modeld.yaml")) != nil
        return (try? Configuration.ModelConfiguration(yaml: text, file: "config.yaml")) != nil || isServer
    }

    /// CPU lists of the kernel and of operators.
    static let cpuList = Parser(name: "cpu-list") {
        ["0-3,8", "0-14:2", ""].map { Array($0.utf8) }
    } run: { bytes in
        guard let set = try? CPUSet(parsing: String(decoding: bytes, as: UTF8.self)) else { return false }
        guard (try? CPUSet(parsing: set.description)) == set else { fatalError("\(set) does not come back") }
        return true
    }
}
