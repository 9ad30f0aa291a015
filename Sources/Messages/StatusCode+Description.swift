extension StatusCode: CustomStringConvertible {
    /// gRPC's spelling: `INVALID_ARGUMENT`.
    package var description: String { name }
}
