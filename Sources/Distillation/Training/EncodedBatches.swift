package import DistilBERT
import ModelFiles
import Tensors
package import Training

extension TrainableModel {
    /// Calls `body` with batches of sequences of at most `tokens`, longest first, and the places of their sequences.
    package func inBatches(
        _ sequences: [TokenSequence],
        tokens: Int = 4096,
        _ body: (_ places: [Int], _ batch: Batch) throws -> Void
    ) rethrows {
        let order = sequences.indices.sorted {
            let (left, right) = (sequences[$0].ids.count, sequences[$1].ids.count)
            return left != right ? left > right : $0 < $1
        }
        var places: [Int] = []
        var count = 0
        for place in order {
            let length = sequences[place].ids.count
            if !places.isEmpty, count + length > tokens {
                try body(places, Batch(places.map { sequences[$0] }))
                places = []
                count = 0
            }
            places.append(place)
            count += length
        }
        if !places.isEmpty { try body(places, Batch(places.map { sequences[$0] })) }
    }

    /// The sentence embeddings of sequences, [sequences, H] row by row, of length 1.
    package func embeddings(of sequences: [TokenSequence]) throws -> [Float] {
        let width = plan.configuration.hiddenSize
        var result = [Float](repeating: 0, count: sequences.count * width)
        try inBatches(sequences) { places, batch in
            try encoder.forward(batch)
            embedding.forward(encoder.lastHidden, bounds: batch.bounds)
            for (row, place) in places.enumerated() {
                for column in 0..<width { result[place * width + column] = embedding.embeddings[row][column] }
            }
        }
        return result
    }

    /// The logits of sequences from their first tokens, [sequences, outputs] row by row.
    package func logits(of sequences: [TokenSequence]) throws -> [Float] {
        guard let head, head.head.readsFirstToken else {
            preconditionFailure("the head reads more than the first token")
        }
        let outputs = head.head.outputs
        var result = [Float](repeating: 0, count: sequences.count * outputs)
        try inBatches(sequences) { places, batch in
            try encoder.forward(batch, firstTokensOnly: true)
            try head.forward(encoder.lastHidden, rows: Array(0..<batch.sequences))
            for (row, place) in places.enumerated() {
                for column in 0..<outputs { result[place * outputs + column] = head.logits[row][column] }
            }
        }
        return result
    }
}
