import Messages
import Wire

// Messages whose names the client's public types have, too. A module that has a class of its own name, as `ModelClient`,
// cannot be used to qualify them.

typealias WireAnswerSpan = Messages.AnswerSpan
typealias WireClassification = Messages.Classification
typealias WireEmbedding = Messages.Embedding
typealias WireEntity = Messages.Entity
typealias WireFilledMask = Messages.FilledMask
typealias WireFilledText = Messages.FilledText
typealias WireFilledToken = Messages.FilledToken
typealias WireLabelScore = Messages.LabelScore
typealias WireModelStatus = Messages.ModelStatus
typealias WireTaggedText = Messages.TaggedText
typealias WireTextInput = Messages.TextInput
