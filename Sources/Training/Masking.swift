internal import Glibc
import Tensors

/// Chooses the words that masked language modelling asks for, anew for each batch: ⌈share · tokens⌉ of them, rare words rather
/// than frequent ones (a token's chance goes with max(count, 1)^−smoothing), special tokens never; 80 % of them become the mask, 10 %
/// another word, 10 % stay (Devlin et al., arXiv 1810.04805; the training scripts of DistilBERT).
package struct Masking: Sendable {
    package let share: Double
    private let maskID: Int32
    /// Of each word; 0: never chosen.
    private let weights: [Double]
    /// Ids that may stand for a word that is to be guessed.
    private let words: [Int32]

    /// - Parameters:
    ///   - counts: how often each id is in the training text.
    ///   - specials: ids that are never chosen.
    package init(counts: [Int], specials: Set<Int32>, maskID: Int32, share: Double = 0.15, smoothing: Double = 0.7) {
        self.maskID = maskID
        self.share = share
        weights = counts.enumerated().map { id, count in
            specials.contains(Int32(id)) ? 0 : pow(Double(max(1, count)), -smoothing)
        }
        words = counts.indices.map { Int32($0) }.filter { !specials.contains($0) }
    }

    /// - Returns: the batch with masks, the rows that were chosen, ascending, and the words that stood there.
    package func mask(_ batch: Batch, key: UInt64) -> (batch: Batch, rows: [Int], words: [Int]) {
        func uniform(_ index: Int, _ purpose: UInt64) -> Double {
            (Double(randomBits(key, UInt64(index) << 2 | purpose)) + 0.5) / 4_294_967_296
        }
        // The smallest of exponential variables with these rates are a draw without replacement (Efraimidis and Spirakis 2006).
        let candidates = batch.ids.indices.compactMap { row -> (row: Int, time: Double)? in
            let weight = weights[Int(batch.ids[row])]
            return weight > 0 ? (row, -log(uniform(row, 0)) / weight) : nil
        }
        let count = min(candidates.count, Int((share * Double(batch.tokens)).rounded(.up)))
        let chosen = candidates.sorted { ($0.time, $0.row) < ($1.time, $1.row) }.prefix(count).map(\.row).sorted()
        var ids = batch.ids
        for row in chosen {
            let choice = uniform(row, 1)
            if choice < 0.8 {
                ids[row] = maskID
            } else if choice < 0.9, !words.isEmpty {
                ids[row] = words[Int(uniform(row, 2) * Double(words.count))]
            }
        }
        return (Batch(batch, ids: ids), chosen, chosen.map { Int(batch.ids[$0]) })
    }
}
