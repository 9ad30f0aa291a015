package import CWireMessages

extension WorkerFrame {
    package struct Pack: Sendable, Equatable {
        package var modelDirectory: String
        package var variant: String
        /// Texts, one a line; empty: those that are built in.
        package var calibrationFile: String
        /// A variant that keeps less is not packed.
        package var minCosine: Double
        package var minAgreement: Double

        package init(
            modelDirectory: String = "",
            variant: String = "",
            calibrationFile: String = "",
            minCosine: Double = 0,
            minAgreement: Double = 0
        ) {
            self.modelDirectory = modelDirectory
            self.variant = variant
            self.calibrationFile = calibrationFile
            self.minCosine = minCosine
            self.minAgreement = minAgreement
        }
    }
}

extension WorkerFrame.Pack: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Pack>) {
        worker__v1__pack__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Pack, _ arena: inout EncodingArena) {
        structure.model_directory = arena.text(modelDirectory)
        structure.variant = arena.text(variant)
        structure.calibration_file = arena.text(calibrationFile)
        structure.min_cosine = minCosine
        structure.min_agreement = minAgreement
    }

    package init(_ structure: Worker__V1__Pack) throws(WireError) {
        self.init(
            modelDirectory: try decodeText(structure.model_directory, "model_directory"),
            variant: try decodeText(structure.variant, "variant"),
            calibrationFile: try decodeText(structure.calibration_file, "calibration_file"),
            minCosine: structure.min_cosine,
            minAgreement: structure.min_agreement
        )
    }
}

extension WorkerFrame {
    /// Names the pack: checkpoint hash, precision, library version, instruction set, layout version.
    package struct PackKey: Sendable, Equatable {
        package var key: String

        package init(key: String = "") {
            self.key = key
        }
    }
}

extension WorkerFrame.PackKey: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__PackKey>) {
        worker__v1__pack_key__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__PackKey, _ arena: inout EncodingArena) {
        structure.key = arena.text(key)
    }

    package init(_ structure: Worker__V1__PackKey) throws(WireError) {
        self.init(key: try decodeText(structure.key, "key"))
    }
}

extension WorkerFrame {
    package struct PackProceed: Sendable, Equatable {
        package init() {}
    }
}

extension WorkerFrame.PackProceed: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__PackProceed>) {
        worker__v1__pack_proceed__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__PackProceed, _ arena: inout EncodingArena) {
    }

    package init(_ structure: Worker__V1__PackProceed) throws(WireError) {
        self.init()
    }
}

extension WorkerFrame {
    package struct PackDone: Sendable, Equatable {
        package var bytes: UInt64

        package init(bytes: UInt64 = 0) {
            self.bytes = bytes
        }
    }
}

extension WorkerFrame.PackDone: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__PackDone>) {
        worker__v1__pack_done__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__PackDone, _ arena: inout EncodingArena) {
        structure.bytes = bytes
    }

    package init(_ structure: Worker__V1__PackDone) throws(WireError) {
        self.init(bytes: structure.bytes)
    }
}
