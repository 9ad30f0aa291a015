import Wire

// Messages whose names the client's public types have, too. A module that has a class of its own name, as `ModelClient`,
// cannot be used to qualify them.

typealias WireAnswerSpan = Wire.AnswerSpan
typealias WireClassification = Wire.Classification
typealias WireEmbedding = Wire.Embedding
typealias WireEntity = Wire.Entity
typealias WireFilledMask = Wire.FilledMask
typealias WireFilledText = Wire.FilledText
typealias WireFilledToken = Wire.FilledToken
typealias WireLabelScore = Wire.LabelScore
typealias WireModelStatus = Wire.ModelStatus
typealias WireTaggedText = Wire.TaggedText
typealias WireTextInput = Wire.TextInput
