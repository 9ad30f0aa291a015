import ModelFiles

/// Reads data files into one data set.
///
/// Errors name the file and the line (of SQuAD the question), what is wrong and what to do. What is odd but can be read is
/// counted in ``Dataset/warnings``; what was decided for the user is said in ``Dataset/notices``.
package struct DatasetReader: Sendable {
    package let options: DatasetOptions

    package init(_ options: DatasetOptions = DatasetOptions()) {
        self.options = options
    }

    /// The examples of all files, in the order of `paths` and of their lines.
    package func read(_ paths: [String]) throws(DistillationError) -> Dataset {
        guard !paths.isEmpty else { throw .usage("no data file is named") }
        var files: [DataRecords] = []
        for path in paths {
            let mapped: MappedFile
            do throws(ModelFilesError) { mapped = try MappedFile(path: path) } catch {
                throw .failed("\(error)")
            }
            files.append(try records(mapped.bytes, file: path))
            withExtendedLifetime(mapped) {}
        }
        return try DatasetAssembly(options: options).dataset(files)
    }

    /// The examples of one file that is in memory; the end of `file` says what it is.
    package func read(_ bytes: UnsafeRawBufferPointer, file: String) throws(DistillationError) -> Dataset {
        try DatasetAssembly(options: options).dataset([records(bytes, file: file)])
    }

    private func records(_ bytes: UnsafeRawBufferPointer, file: String) throws(DistillationError) -> DataRecords {
        guard bytes.count <= options.longestFile else {
            throw .failed("\(file) has \(bytes.count) bytes, more than the \(options.longestFile) allowed; split it")
        }
        let input = try DataInput(validating: bytes, file: file)
        var read: DataRecords
        switch options.format {
        case .glue(let task): read = try task.records(input, longest: options.longestLine)
        case .squad: read = try SQuADFile.records(input)
        case .byName:
            let name = file.lowercased()
            if name.hasSuffix(".csv") {
                read = try TableFile(options: options).records(input, style: .commas)
            } else if name.hasSuffix(".tsv") {
                read = try TableFile(options: options).records(input, style: .tabs)
            } else if name.hasSuffix(".jsonl") || name.hasSuffix(".json") {
                read = try JSONLinesFile(options: options).records(input)
            } else {
                throw .failed(
                    "\(file): the name does not say what the file is; .csv, .tsv, .jsonl and .json are read, "
                        + "and official files with --format"
                )
            }
        }
        guard !read.records.isEmpty else { throw .failed("\(file) has no examples") }
        if options.labelUse == .ignored {
            for index in read.records.indices { read.records[index].statement = .none }
        }
        return read
    }
}
