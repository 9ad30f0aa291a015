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
