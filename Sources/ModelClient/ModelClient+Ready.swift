import Messages
import Wire

extension ModelClient {
    /// Waits until the server can answer calls to a model, or to every model that it has.
    ///
    /// ```swift
    /// try await client.waitForReady("sentiment", timeout: .seconds(60))
    /// ```
    ///
    /// It waits for a server that is not there yet, too. Calls need no such wait, for they wait themselves within their
    /// timeouts; it is for programs that begin their work, or report themselves healthy, when the models are there.
    ///
    /// - Parameters:
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`; nil: every model in the server's repository.
    ///   - timeout: how long to wait at most.
    /// - Throws: ``ModelClientError``: `deadlineExceeded` when the time is over, which says what the model was doing and may
    ///   be retried; `notFound` at once when the server's repository has no such model, `invalidArgument` when the name is
    ///   none.
    public nonisolated(nonsending) func waitForReady(
        _ model: String? = nil,
        timeout: Duration = .seconds(60)
    ) async throws(ModelClientError) {
        var wanted: ModelReference?
        if let model {
            do throws(WireError) {
                wanted = try ModelReference(parsing: model)
            } catch {
                throw ModelClientError(code: .invalidArgument, message: error.message, model: model, cause: error)
            }
        }
        let end = ContinuousClock.now + timeout
        var pause = Duration.milliseconds(10)
        var state = "the server was not asked"
        var cause: ModelClientError?
        repeat {
            let left = end - .now
            do throws(ModelClientError) {
                let status = try await status(timeout: max(.milliseconds(1), left))
                let models = status.models.filter { wanted?.names($0) ?? true }
                if models.isEmpty, wanted != nil, status.state != ServerState.starting.name {
                    let names = status.models.map(\.reference).joined(separator: ", ")
                    throw ModelClientError(
                        code: .notFound,
                        message: "the server has no model '\(model ?? "")'; it has \(names.isEmpty ? "none" : names)",
                        model: model
                    )
                }
                // One version that serves is enough for a name; without a name, every model should serve.
                let isReady = { (model: ModelStatus) in model.state == ModelState.ready.name }
                if wanted == nil
                    ? models.allSatisfy(isReady) && status.state == ServerState.ready.name
                    : models.contains(where: isReady)
                {
                    return
                }
                let waiting = models.first { !isReady($0) }
                state =
                    waiting.map { "\($0.reference) is \($0.state)\($0.reason.isEmpty ? "" : ": \($0.reason)")" }
                    ?? "the server is \(status.state)"
            } catch {
                guard error.code == .unavailable || error.code == .deadlineExceeded, !isShutDown(error) else {
                    throw error
                }
                state = error.message
                cause = error
            }
            do {
                try await Task.sleep(for: min(pause, max(.zero, end - .now)))
            } catch {
                throw .cancelled(model: model)
            }
            pause = min(pause * 2, .milliseconds(200))
        } while ContinuousClock.now < end
        throw ModelClientError(
            code: .deadlineExceeded,
            message: "not ready within \(timeout): \(state)",
            model: model,
            isRetryable: true,
            cause: cause
        )
    }

    /// Whether waiting is in vain: this client takes no more calls.
    private func isShutDown(_ error: ModelClientError) -> Bool {
        error.origin == .client && error.code == .unavailable && !error.isRetryable
    }
}

extension ModelReference {
    /// Whether this reference may mean that model.
    fileprivate func names(_ model: ModelStatus) -> Bool {
        model.name == name && version.map { $0 == model.version } ?? true && variant.map { $0 == model.variant } ?? true
    }
}
