/// A file of a model's folder that is no weights, by its name in that folder.
package struct SmallFile: Sendable, Hashable {
    package let name: String
    package let contents: [UInt8]

    package init(name: String, contents: [UInt8]) {
        self.name = name
        self.contents = contents
    }

    package init(name: String, text: String) {
        self.init(name: name, contents: Array(text.utf8))
    }

    /// Writes it into a folder.
    package func write(to folder: String) throws(ModelFilesError) {
        let result = contents.withUnsafeBytes { bytes in
            Result { () throws(ModelFilesError) in try OutputFile.write(bytes, to: join(folder, name)) }
        }
        try result.get()
    }
}

extension TokenizerFiles {
    /// The files of a model's folder that make its tokenizer, those of them that are there, byte for byte.
    package static func contents(of folder: String) throws(ModelFilesError) -> [SmallFile] {
        var files: [SmallFile] = []
        for name in [
            SerializedTokenizer.fileName, VocabularyFile.fileName, TokenizerSettings.fileName,
            TokenizerSettings.specialTokensFileName, TokenizerSettings.addedTokensFileName,
        ] where fileExists(join(folder, name)) {
            let file = try MappedFile(path: join(folder, name))
            files.append(withExtendedLifetime(file) { SmallFile(name: name, contents: Array(file.bytes)) })
        }
        return files
    }
}
