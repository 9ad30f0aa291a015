package import CWireMessages

package struct ReloadRequest: Sendable, Equatable {
    /// Empty: the repository and every model in it.
    package var model: String

    package init(model: String = "") {
        self.model = model
    }
}

extension ReloadRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__ReloadRequest>) {
        control__v1__reload_request__init(structure)
    }

    package func fill(_ structure: inout Control__V1__ReloadRequest, _ arena: inout EncodingArena) {
        structure.model = arena.text(model)
    }

    package init(_ structure: Control__V1__ReloadRequest) throws(WireError) {
        self.init(model: try decodeText(structure.model, "model"))
    }
}

package struct ReloadResult: Sendable, Equatable {
    /// Name@version:variant.
    package var model: String
    package var status: StatusCode
    /// Why it failed.
    package var message: String
    /// Serving now.
    package var generation: UInt64

    package init(
        model: String = "",
        status: StatusCode = .ok,
        message: String = "",
        generation: UInt64 = 0
    ) {
        self.model = model
        self.status = status
        self.message = message
        self.generation = generation
    }
}

extension ReloadResult: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__ReloadResult>) {
        control__v1__reload_result__init(structure)
    }

    package func fill(_ structure: inout Control__V1__ReloadResult, _ arena: inout EncodingArena) {
        structure.model = arena.text(model)
        structure.status = status.rawValue
        structure.message = arena.text(message)
        structure.generation = generation
    }

    package init(_ structure: Control__V1__ReloadResult) throws(WireError) {
        self.init(
            model: try decodeText(structure.model, "model"),
            status: StatusCode(wireValue: structure.status),
            message: try decodeText(structure.message, "message"),
            generation: structure.generation
        )
    }
}

package struct ReloadResponse: Sendable, Equatable {
    package var results: [ReloadResult]

    package init(results: [ReloadResult] = []) {
        self.results = results
    }
}

extension ReloadResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__ReloadResponse>) {
        control__v1__reload_response__init(structure)
    }

    package func fill(_ structure: inout Control__V1__ReloadResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Control__V1__ReloadResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
