/// The version and the default limits of the protocol in `proto/`.
package enum WireProtocol {
    /// The version of this software, which each side tells the other, for people.
    package static let softwareVersion = "0.1.0"
    /// What both `Hello` frames must name.
    package static let version: UInt32 = 1
    /// The bytes of the length that precedes each frame.
    package static let prefixBytes = 4
    /// The largest frame, without its prefix, unless a `Hello` names another limit: 16 MiB.
    package static let maximumFrameBytes = 16 << 20
    /// The most bytes of a frame on a worker's channel: what a client's largest frame becomes.
    package static let maximumWorkerFrameBytes = maximumFrameBytes + 4096
}

/// The names of the methods, as they travel in `Request.method`.
package enum RPCMethod {
    package static let classify = "inference.v1.Inference/Classify"
    package static let embed = "inference.v1.Inference/Embed"
    package static let features = "inference.v1.Inference/Features"
    package static let tokenize = "inference.v1.Inference/Tokenize"
    package static let tagTokens = "inference.v1.Inference/TagTokens"
    package static let answerQuestion = "inference.v1.Inference/AnswerQuestion"
    package static let fillMask = "inference.v1.Inference/FillMask"
    package static let zeroShot = "inference.v1.Inference/ZeroShot"
    package static let rerank = "inference.v1.Inference/Rerank"
    package static let multipleChoice = "inference.v1.Inference/MultipleChoice"
    package static let infer = "inference.v1.Inference/Infer"

    package static let status = "control.v1.Control/Status"
    /// Answered with a stream of `StatusResponse`.
    package static let watch = "control.v1.Control/Watch"
    package static let reload = "control.v1.Control/Reload"
    package static let cacheList = "control.v1.Control/CacheList"
    package static let cachePrune = "control.v1.Control/CachePrune"

    package static let inferenceMethods = [
        classify, embed, features, tokenize, tagTokens, answerQuestion, fillMask, zeroShot, rerank, multipleChoice,
        infer,
    ]
    package static let controlMethods = [status, watch, reload, cacheList, cachePrune]
    package static let all = inferenceMethods + controlMethods
}
