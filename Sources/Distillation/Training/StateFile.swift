import CLinuxShims
import DistilBERT
import Glibc
import ModelFiles
import Tensors
import Training

/// A teacher's last hidden states of every example, in a file that is mapped: they do not change, so the teacher computes them
/// once for all epochs.
///
/// The file has no name: it is gone with the program, and a run that is taken up makes it again.
final class StateFile {
    private let base: UnsafeMutablePointer<Float>
    private let byteCount: Int
    private let width: Int
    /// The first row of each example.
    private let starts: [Int]
    private let rows = GrowingBuffer()

    /// - Parameter folder: where there is room for it.
    init(_ model: TrainableModel, _ examples: [EncodedExample], folder: String) throws {
        width = model.plan.configuration.hiddenSize
        var starts = [0]
        for example in examples { starts.append(starts[starts.count - 1] + example.sequence.ids.count) }
        self.starts = starts
        byteCount = max(1, starts[examples.count] * width * MemoryLayout<Float>.stride)
        let descriptor = open(folder, O_RDWR | O_TMPFILE_FLAG | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(folder, "holds no unnamed file") }
        defer { close(descriptor) }
        let failure = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard failure == 0 else {
            errno = failure
            throw Self.failure(folder, "has no room for \(byteCount >> 20) MiB of the teacher's hidden states")
        }
        guard let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { throw Self.failure(folder, "cannot be mapped") }
        base = memory.bindMemory(to: Float.self, capacity: byteCount / MemoryLayout<Float>.stride)
        try model.inBatches(examples.map(\.sequence)) { places, batch in
            try model.encoder.forward(batch)
            let hidden = model.encoder.lastHidden
            for (sequence, place) in places.enumerated() {
                for (index, row) in batch.bounds[sequence].enumerated() {
                    (base + (starts[place] + index) * width).update(from: hidden[row].baseAddress!, count: width)
                }
            }
        }
    }

    deinit { munmap(base, byteCount) }

    /// The states of some examples, one below the other.
    func states(_ examples: [Int]) -> Matrix {
        let count = examples.reduce(0) { $0 + starts[$1 + 1] - starts[$1] }
        let matrix = rows.matrix(rows: count, columns: width)
        var row = 0
        for example in examples {
            let length = starts[example + 1] - starts[example]
            matrix[row].baseAddress!.update(from: base + starts[example] * width, count: length * width)
            row += length
        }
        return matrix
    }

    private static func failure(_ folder: String, _ what: String) -> DistillationError {
        .failed("\(folder) \(what): \(String(cString: strerror(errno)))")
    }
}

/// O_TMPFILE, whose macro Swift does not import: __O_TMPFILE | O_DIRECTORY of Linux on x86-64.
private let O_TMPFILE_FLAG: CInt = 0o20_000_000 | 0o200_000
