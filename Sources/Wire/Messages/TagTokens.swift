package import CWireMessages

/// How a word's pieces become entities, as transformers' `aggregation_strategy`.
package enum AggregationStrategy: UInt32, Sendable, CaseIterable {
    /// Every piece by itself, labels with their B- and I-.
    case none = 0
    /// Neighbouring pieces of one label.
    case simple = 1
    /// A word has its first piece's label.
    case first = 2
    /// A word has the label that is best on average.
    case average = 3
    /// A word has its most certain piece's label.
    case max = 4
}

package struct TagTokensRequest: Sendable, Equatable {
    package var texts: [String]
    package var aggregationStrategy: AggregationStrategy
    package var truncation: Truncation
    /// Tokens that neighbouring windows share; 0: a quarter of the model's.
    package var stride: UInt32
    /// Left out of the answer; empty: `O`, unless `ignore_none`.
    package var ignoreLabels: [String]
    /// Leave out nothing; `ignore_labels` is empty then.
    package var ignoreNone: Bool

    package init(
        texts: [String] = [],
        aggregationStrategy: AggregationStrategy = .none,
        truncation: Truncation = .default,
        stride: UInt32 = 0,
        ignoreLabels: [String] = [],
        ignoreNone: Bool = false
    ) {
        self.texts = texts
        self.aggregationStrategy = aggregationStrategy
        self.truncation = truncation
        self.stride = stride
        self.ignoreLabels = ignoreLabels
        self.ignoreNone = ignoreNone
    }
}

extension TagTokensRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TagTokensRequest>) {
        inference__v1__tag_tokens_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TagTokensRequest, _ arena: inout EncodingArena) {
        (structure.n_texts, structure.texts) = arena.texts(texts)
        structure.aggregation_strategy = Inference__V1__AggregationStrategy(rawValue: aggregationStrategy.rawValue)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
        structure.stride = stride
        (structure.n_ignore_labels, structure.ignore_labels) = arena.texts(ignoreLabels)
        structure.ignore_none = ignoreNone ? 1 : 0
    }

    package init(_ structure: Inference__V1__TagTokensRequest) throws(WireError) {
        self.init(
            texts: try decodeTexts(structure.n_texts, structure.texts, "texts"),
            aggregationStrategy: try decodeEnum(structure.aggregation_strategy.rawValue, "aggregation_strategy"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation"),
            stride: structure.stride,
            ignoreLabels: try decodeTexts(structure.n_ignore_labels, structure.ignore_labels, "ignore_labels"),
            ignoreNone: structure.ignore_none != 0
        )
    }
}

/// A piece of a text and its label, or several that belong together. Offsets count Unicode scalars.
package struct Entity: Sendable, Equatable {
    /// `B-PER` of a piece, `PER` of a group.
    package var label: String
    package var score: Float
    /// As the tokenizer spells it.
    package var word: String
    package var start: UInt32
    package var end: UInt32
    /// Of a piece: its place among the tokens, special tokens counted; of a group: 0.
    package var index: UInt32

    package init(
        label: String = "",
        score: Float = 0,
        word: String = "",
        start: UInt32 = 0,
        end: UInt32 = 0,
        index: UInt32 = 0
    ) {
        self.label = label
        self.score = score
        self.word = word
        self.start = start
        self.end = end
        self.index = index
    }
}

extension Entity: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Entity>) {
        inference__v1__entity__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Entity, _ arena: inout EncodingArena) {
        structure.label = arena.text(label)
        structure.score = score
        structure.word = arena.text(word)
        structure.start = start
        structure.end = end
        structure.index = index
    }

    package init(_ structure: Inference__V1__Entity) throws(WireError) {
        self.init(
            label: try decodeText(structure.label, "label"),
            score: structure.score,
            word: try decodeText(structure.word, "word"),
            start: structure.start,
            end: structure.end,
            index: structure.index
        )
    }
}

package struct TaggedText: Sendable, Equatable {
    /// As they stand in the text.
    package var entities: [Entity]
    package var tokens: UInt32
    package var truncated: Bool
    package var windows: UInt32

    package init(
        entities: [Entity] = [],
        tokens: UInt32 = 0,
        truncated: Bool = false,
        windows: UInt32 = 0
    ) {
        self.entities = entities
        self.tokens = tokens
        self.truncated = truncated
        self.windows = windows
    }
}

extension TaggedText: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TaggedText>) {
        inference__v1__tagged_text__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TaggedText, _ arena: inout EncodingArena) {
        (structure.n_entities, structure.entities) = arena.messages(entities)
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
        structure.windows = windows
    }

    package init(_ structure: Inference__V1__TaggedText) throws(WireError) {
        self.init(
            entities: try decodeMessages(structure.n_entities, structure.entities, "entities"),
            tokens: structure.tokens,
            truncated: structure.truncated != 0,
            windows: structure.windows
        )
    }
}

package struct TagTokensResponse: Sendable, Equatable {
    /// One a text, in order.
    package var results: [TaggedText]

    package init(results: [TaggedText] = []) {
        self.results = results
    }
}

extension TagTokensResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TagTokensResponse>) {
        inference__v1__tag_tokens_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TagTokensResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__TagTokensResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
