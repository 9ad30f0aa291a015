/// The activations that modules and cross-encoders of sentence-transformers are saved with: classes of `torch.nn`, called
/// without arguments when they are loaded.
package enum ModuleActivation: String, Sendable, Hashable, CaseIterable {
    case identity = "Identity"
    case tanh = "Tanh"
    case relu = "ReLU"
    case gelu = "GELU"
    case sigmoid = "Sigmoid"
    case silu = "SiLU"
    /// max(x, 0) + 0.01 · min(x, 0)
    case leakyReLU = "LeakyReLU"
    /// x, or eˣ − 1 below 0.
    case elu = "ELU"
    /// ln(1 + eˣ)
    case softplus = "Softplus"
    /// x · tanh(softplus(x))
    case mish = "Mish"
    /// Over all values of a text.
    case softmax = "Softmax"

    /// The activation of this class; nil if it is not one of PyTorch's that are implemented.
    private init?(path: String) {
        let name = path.split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        guard let activation = Self(rawValue: name), path == activation.path || path == "torch.nn.\(name)" else {
            return nil
        }
        self = activation
    }

    /// The path of its class.
    var path: String { "torch.nn.modules.\(self == .identity ? "linear" : "activation").\(rawValue)" }

    /// A Dense module's. Of a class that is not PyTorch's, old releases of sentence-transformers run the code and new ones
    /// take tanh in its place: it is refused.
    init(ofDense node: JSONNode) throws(ModelFilesError) {
        guard let activation = Self(path: try node.string()) else { throw Self.unknown(node) }
        self = activation
    }

    /// A cross-encoder's; nil for a class that is not PyTorch's, where sentence-transformers from 4 on takes its default.
    init?(ofCrossEncoder node: JSONNode) throws(ModelFilesError) {
        let path = try node.string()
        guard path.hasPrefix("torch.") else { return nil }
        guard let activation = Self(path: path) else { throw Self.unknown(node) }
        self = activation
    }

    private static func unknown(_ node: JSONNode) -> ModelFilesError {
        node.mismatch("a class of torch.nn that is implemented: " + allCases.map(\.rawValue).joined(separator: ", "))
    }
}
