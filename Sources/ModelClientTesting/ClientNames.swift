import ModelClient

// The client's public types whose names messages have, too; see `WireNames.swift`.

typealias ClientClassification = Classification
typealias ClientTextInput = TextInput
