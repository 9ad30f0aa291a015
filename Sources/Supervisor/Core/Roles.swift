import Configuration
import Messages

/// What a user may do here.
enum Role {
    /// Ask models, and see how the server is.
    case inference
    /// Change the server, and see what others ask of it.
    case `operator`
}

extension ControlMethod {
    /// Who may call it.
    var role: Role {
        switch self {
        case .status, .watch, .events, .metrics: .inference
        case .reload, .reloadEach, .load, .unload, .drain, .crashList, .quarantineList, .quarantineClear, .cacheList,
            .cachePrune:
            .operator
        }
    }
}

extension Happening {
    /// Who may be told of it: what clients ask for, by which names and from which processes, is not for other clients.
    var role: Role {
        switch self {
        case .answered, .replayed, .quarantined, .refused, .clientDoesNotRead, .linesLeftOut: .operator
        default: .inference
        }
    }
}

extension Clients {
    private static let longestTenant = 128

    /// What a user may do; nil when it may not even connect.
    func role(of user: UInt32) -> Role? {
        if user == userID || user == 0 || limits.operators.contains(user) { return .operator }
        return limits.allowOtherUsers || limits.gateways.contains(user) ? .inference : nil
    }

    func isOperator(_ id: ClientID) -> Bool { table[id].map { role(of: $0.user) == .operator } ?? false }

    /// Why a client may not make a call; nil when it may.
    func objection(to method: ControlMethod, from id: ClientID) -> Refusal? {
        guard method.role == .operator, let client = table[id], !isOperator(id) else { return nil }
        let name = method.rawValue.split(separator: "/").last ?? ""
        let message =
            "\(name) is for operators, and user \(client.user) is none: call as user \(userID) or root, or have the "
            + "user added to modeld's setting operators"
        return Refusal(.permissionDenied, message)
    }

    /// Why a client may not ask in the name of a tenant; nil when it may, or names none.
    func objection(toTenant tenant: String, from id: ClientID) -> Refusal? {
        guard !tenant.isEmpty, let client = table[id] else { return nil }
        guard limits.gateways.contains(client.user) else {
            let message =
                "tenant is set, and user \(client.user) is no gateway: leave it empty, or have the user added to modeld's "
                + "setting gateways"
            return Refusal(.invalidArgument, message)
        }
        guard tenant.utf8.count > Self.longestTenant else { return nil }
        let message = "tenant has \(tenant.utf8.count) bytes; it may have \(Self.longestTenant)"
        return Refusal(.invalidArgument, message)
    }
}
