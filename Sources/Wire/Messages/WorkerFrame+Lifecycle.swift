package import CWireMessages

extension WorkerFrame {
    package struct Hello: Sendable, Equatable {
        package var protocolVersion: UInt32
        package var softwareVersion: String
        package var pid: Int32
        /// Pinning that was refused, for example.
        package var warnings: [String]

        package init(
            protocolVersion: UInt32 = 0,
            softwareVersion: String = "",
            pid: Int32 = 0,
            warnings: [String] = []
        ) {
            self.protocolVersion = protocolVersion
            self.softwareVersion = softwareVersion
            self.pid = pid
            self.warnings = warnings
        }
    }
}

extension WorkerFrame.Hello: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Hello>) {
        worker__v1__hello__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Hello, _ arena: inout EncodingArena) {
        structure.protocol_version = protocolVersion
        structure.software_version = arena.text(softwareVersion)
        structure.pid = pid
        (structure.n_warnings, structure.warnings) = arena.texts(warnings)
    }

    package init(_ structure: Worker__V1__Hello) throws(WireError) {
        self.init(
            protocolVersion: structure.protocol_version,
            softwareVersion: try decodeText(structure.software_version, "software_version"),
            pid: structure.pid,
            warnings: try decodeTexts(structure.n_warnings, structure.warnings, "warnings")
        )
    }
}

extension WorkerFrame {
    package struct Load: Sendable, Equatable {
        /// Config and vocabulary; the weights come from the pack.
        package var modelDirectory: String
        package var name: String
        package var version: UInt64
        package var variant: String
        package var maxBatchTokens: UInt32
        package var threads: UInt32
        package var generation: UInt64
        /// Must be the pack's own.
        package var packKey: String
        /// Whether to read all of the pack and compare its hash first, and to prove all that is computed here.
        package var verifyPack: Bool
        /// The one that an earlier worker of the generation was proven with; empty: the best.
        package var instructionSet: String

        package init(
            modelDirectory: String = "",
            name: String = "",
            version: UInt64 = 0,
            variant: String = "",
            maxBatchTokens: UInt32 = 0,
            threads: UInt32 = 0,
            generation: UInt64 = 0,
            packKey: String = "",
            verifyPack: Bool = false,
            instructionSet: String = ""
        ) {
            self.modelDirectory = modelDirectory
            self.name = name
            self.version = version
            self.variant = variant
            self.maxBatchTokens = maxBatchTokens
            self.threads = threads
            self.generation = generation
            self.packKey = packKey
            self.verifyPack = verifyPack
            self.instructionSet = instructionSet
        }
    }
}

extension WorkerFrame.Load: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Load>) {
        worker__v1__load__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Load, _ arena: inout EncodingArena) {
        structure.model_directory = arena.text(modelDirectory)
        structure.name = arena.text(name)
        structure.version = version
        structure.variant = arena.text(variant)
        structure.max_batch_tokens = maxBatchTokens
        structure.threads = threads
        structure.generation = generation
        structure.pack_key = arena.text(packKey)
        structure.verify_pack = verifyPack ? 1 : 0
        structure.instruction_set = arena.text(instructionSet)
    }

    package init(_ structure: Worker__V1__Load) throws(WireError) {
        self.init(
            modelDirectory: try decodeText(structure.model_directory, "model_directory"),
            name: try decodeText(structure.name, "name"),
            version: structure.version,
            variant: try decodeText(structure.variant, "variant"),
            maxBatchTokens: structure.max_batch_tokens,
            threads: structure.threads,
            generation: structure.generation,
            packKey: try decodeText(structure.pack_key, "pack_key"),
            verifyPack: structure.verify_pack != 0,
            instructionSet: try decodeText(structure.instruction_set, "instruction_set")
        )
    }
}

extension WorkerFrame {
    package struct Ready: Sendable, Equatable {
        package var tasks: [String]
        package var maxTokens: UInt32
        package var architecture: String
        package var packBytes: UInt64
        /// As in `avx2`.
        package var instructionSet: String
        package var loadMicroseconds: UInt64
        /// Where the pack's pages are.
        package var numa: String
        /// An encoded `ModelQuality`, as it was packed; empty for fp32.
        package var quality: [UInt8]
        /// Better instruction sets than its own, and what they compute wrongly.
        package var failedProofs: [String]
        /// As in `bert`.
        package var family: String
        /// Of a classifier, in the order of its outputs.
        package var labels: [String]
        /// Answers of `expected.jsonl` that were compared and agree.
        package var expectedAnswers: UInt32

        package init(
            tasks: [String] = [],
            maxTokens: UInt32 = 0,
            architecture: String = "",
            packBytes: UInt64 = 0,
            instructionSet: String = "",
            loadMicroseconds: UInt64 = 0,
            numa: String = "",
            quality: [UInt8] = [],
            failedProofs: [String] = [],
            family: String = "",
            labels: [String] = [],
            expectedAnswers: UInt32 = 0
        ) {
            self.tasks = tasks
            self.maxTokens = maxTokens
            self.architecture = architecture
            self.packBytes = packBytes
            self.instructionSet = instructionSet
            self.loadMicroseconds = loadMicroseconds
            self.numa = numa
            self.quality = quality
            self.failedProofs = failedProofs
            self.family = family
            self.labels = labels
            self.expectedAnswers = expectedAnswers
        }
    }
}

extension WorkerFrame.Ready: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Ready>) {
        worker__v1__ready__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Ready, _ arena: inout EncodingArena) {
        (structure.n_tasks, structure.tasks) = arena.texts(tasks)
        structure.max_tokens = maxTokens
        structure.architecture = arena.text(architecture)
        structure.pack_bytes = packBytes
        structure.instruction_set = arena.text(instructionSet)
        structure.load_microseconds = loadMicroseconds
        structure.numa = arena.text(numa)
        structure.quality = arena.bytes(quality)
        (structure.n_failed_proofs, structure.failed_proofs) = arena.texts(failedProofs)
        structure.family = arena.text(family)
        (structure.n_labels, structure.labels) = arena.texts(labels)
        structure.expected_answers = expectedAnswers
    }

    package init(_ structure: Worker__V1__Ready) throws(WireError) {
        self.init(
            tasks: try decodeTexts(structure.n_tasks, structure.tasks, "tasks"),
            maxTokens: structure.max_tokens,
            architecture: try decodeText(structure.architecture, "architecture"),
            packBytes: structure.pack_bytes,
            instructionSet: try decodeText(structure.instruction_set, "instruction_set"),
            loadMicroseconds: structure.load_microseconds,
            numa: try decodeText(structure.numa, "numa"),
            quality: decodeBytes(structure.quality),
            failedProofs: try decodeTexts(structure.n_failed_proofs, structure.failed_proofs, "failed_proofs"),
            family: try decodeText(structure.family, "family"),
            labels: try decodeTexts(structure.n_labels, structure.labels, "labels"),
            expectedAnswers: structure.expected_answers
        )
    }
}

extension WorkerFrame {
    package enum FailureKind: UInt32, Sendable, CaseIterable {
        case `internal` = 0
        /// The checkpoint is at fault: trying again changes nothing.
        case configuration = 1
        /// No memory, no disk: may pass.
        case resource = 2
        /// The pack is damaged: make it again.
        case pack = 3
    }
}

extension WorkerFrame {
    package struct Failed: Sendable, Equatable {
        package var kind: FailureKind
        package var message: String

        package init(
            kind: FailureKind = .internal,
            message: String = ""
        ) {
            self.kind = kind
            self.message = message
        }
    }
}

extension WorkerFrame.Failed: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Failed>) {
        worker__v1__failed__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Failed, _ arena: inout EncodingArena) {
        structure.kind = Worker__V1__FailureKind(rawValue: kind.rawValue)
        structure.message = arena.text(message)
    }

    package init(_ structure: Worker__V1__Failed) throws(WireError) {
        self.init(
            kind: try decodeEnum(structure.kind.rawValue, "kind"),
            message: try decodeText(structure.message, "message")
        )
    }
}

extension WorkerFrame {
    package struct Drain: Sendable, Equatable {
        package init() {}
    }
}

extension WorkerFrame.Drain: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Drain>) {
        worker__v1__drain__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Drain, _ arena: inout EncodingArena) {
    }

    package init(_ structure: Worker__V1__Drain) throws(WireError) {
        self.init()
    }
}
