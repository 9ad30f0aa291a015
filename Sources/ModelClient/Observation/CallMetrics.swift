import Messages

#if MetricsSupport
    import CoreMetrics
    import NIOCore

    /// What is counted and measured of a call. The names and dimensions are documented in the library's overview.
    struct CallMetrics: Sendable {
        private let factory: any MetricsFactory
        private let begin: NIODeadline
        private let dimensions: [(String, String)]

        init(_ request: Request) {
            // The caller's task may have one of its own.
            factory = MetricsSystem.factory
            begin = .now()
            dimensions = [("model", request.model), ("method", request.methodNames.method)]
        }

        func waitsAgain() {
            Counter(label: "distillery_client_retries_total", dimensions: dimensions, factory: factory).increment()
        }

        func ended(_ outcome: Result<Response, ModelClientError>) {
            let dimensions = dimensions + [("status", outcome.status.name)]
            Counter(label: "distillery_client_calls_total", dimensions: dimensions, factory: factory).increment()
            let label = "distillery_client_call_duration_seconds"
            Timer(label: label, dimensions: dimensions, preferredDisplayUnit: .seconds, factory: factory)
                .recordNanoseconds((NIODeadline.now() - begin).nanoseconds)
        }

        /// An attempt to connect has ended.
        static func connected(_ succeeded: Bool) {
            let dimensions = [("outcome", succeeded ? "opened" : "failed")]
            Counter(label: "distillery_client_connections_total", dimensions: dimensions).increment()
        }
    }
#else
    /// What is counted and measured of a call: nothing, without the package trait `MetricsSupport`.
    struct CallMetrics: Sendable {
        init(_ request: Request) {}
        func waitsAgain() {}
        func ended(_ outcome: Result<Response, ModelClientError>) {}
        static func connected(_ succeeded: Bool) {}
    }
#endif
