import Distillation

/// Reads a text as a file of that name.
func read(
    _ text: String,
    as file: String,
    _ options: DatasetOptions = DatasetOptions()
) throws(DistillationError) -> Dataset {
    try read(Array(text.utf8), as: file, options)
}

func read(
    _ bytes: [UInt8],
    as file: String,
    _ options: DatasetOptions = DatasetOptions()
) throws(DistillationError) -> Dataset {
    let result: Result<Dataset, DistillationError> = bytes.withUnsafeBytes { buffer in
        Result { () throws(DistillationError) in try DatasetReader(options).read(buffer, file: file) }
    }
    return try result.get()
}

/// What reading the text fails with; "" when it does not.
func problem(_ text: String, as file: String, _ options: DatasetOptions = DatasetOptions()) -> String {
    problem(Array(text.utf8), as: file, options)
}

func problem(_ bytes: [UInt8], as file: String, _ options: DatasetOptions = DatasetOptions()) -> String {
    do throws(DistillationError) {
        _ = try read(bytes, as: file, options)
        return ""
    } catch {
        return error.message
    }
}
