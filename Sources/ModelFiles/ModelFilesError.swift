/// Why a model's files cannot be used, or written: which file, what is wrong in it, and what to do about it.
package struct ModelFilesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, for programs; people read ``ModelFilesError/message``.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code as it appears in logs.
        package let description: String

        /// A file or folder that the model needs does not exist.
        package static let missingFile = Code(description: "missing file")
        /// A file exists and cannot be opened, mapped or read.
        package static let unreadableFile = Code(description: "unreadable file")
        /// A file that should be JSON is not, or uses what is not allowed here (duplicate keys, too deep, too large).
        package static let malformedJSON = Code(description: "malformed JSON")
        /// A value of a configuration file is missing, of the wrong type, out of range or at odds with another.
        package static let invalidConfiguration = Code(description: "invalid configuration")
        /// The checkpoint is of a model family, or asks for a variant of one, that is not implemented.
        package static let unsupportedModel = Code(description: "unsupported model")
        /// The weights are in a file format that is not read (a pickle, for example).
        package static let unsupportedFormat = Code(description: "unsupported format")
        /// A safetensors file or its shard index breaks the format's rules.
        package static let malformedCheckpoint = Code(description: "malformed checkpoint")
        /// The checkpoint lacks a tensor that the configuration calls for.
        package static let missingTensor = Code(description: "missing tensor")
        /// A tensor's shape or element type is not what the configuration calls for.
        package static let unexpectedTensor = Code(description: "unexpected tensor")
        /// A pack in the cache is damaged or of another version; it can be made again.
        package static let malformedPack = Code(description: "malformed pack")
        /// A file or folder cannot be written: the disk is full, for example.
        package static let unwritableFile = Code(description: "unwritable file")
        /// A folder is there already, and was not to be replaced.
        package static let existingFolder = Code(description: "existing folder")
        /// The tokenizer is of a kind that is not implemented.
        package static let unsupportedTokenizer = Code(description: "unsupported tokenizer")
        /// The vocabulary or the tokenizer's settings are malformed.
        package static let malformedTokenizer = Code(description: "malformed tokenizer")
    }

    /// The kind of failure.
    package let code: Code
    /// The path of the file or folder concerned.
    package let file: String
    /// What is wrong and what to do, without the file's path.
    package let message: String

    package init(_ code: Code, file: String, _ message: String) {
        self.code = code
        self.file = file
        self.message = message
    }

    /// The path and the message, fit for one line of a log.
    package var description: String { "\(file): \(message)" }
}
