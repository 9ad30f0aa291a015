package import Time

/// A request, as far as it matters for when it is computed.
package struct Submission: Sendable {
    /// Of its payload.
    package var bytes: Int
    /// Bytes of text to compute, as the client says; 0 when it says nothing.
    package var claim: Int
    package var client: ClientKey
    package var priority: Priority
    /// When it is answered at the latest.
    package var deadline: Deadline

    package init(
        bytes: Int,
        claim: Int = 0,
        from client: ClientKey,
        priority: Priority = .normal,
        deadline: Deadline = .never
    ) {
        self.bytes = bytes
        self.claim = claim
        self.client = client
        self.priority = priority
        self.deadline = deadline
    }
}

/// Who a request is counted for when clients take turns.
package struct ClientKey: Hashable, Sendable {
    /// Owners share alike, and the connections of one owner share what is its.
    package enum Owner: Hashable, Sendable {
        case user(UInt32)
        /// Somebody whom a gateway, which is this user, asks for.
        case tenant(String, of: UInt32)
    }

    package let owner: Owner
    package let connection: ClientID

    package init(_ owner: Owner, _ connection: ClientID) {
        self.owner = owner
        self.connection = connection
    }
}

/// How much a request matters beside the others of its client. It takes nothing from other clients.
package enum Priority: Int32, CaseIterable, Sendable {
    case low = -1
    case normal = 0
    case high = 1

    var weight: Double {
        switch self {
        case .low: 0.25
        case .normal: 1
        case .high: 4
        }
    }

    /// Its place among all of them, the lowest first.
    var place: Int { Int(rawValue) + 1 }
}
