import Messages

#if TracingSupport
    import Tracing

    /// The span of a call: a client's, with the attributes that OpenTelemetry's semantic conventions give a remote procedure
    /// call, and this package's own. Its child on the server's side is named by the request's `traceparent`.
    struct CallSpan: Sendable {
        private let span: any Span

        init(_ request: inout Request, to socket: String) {
            span = startSpan(request.method, ofKind: .client)
            let (service, method) = request.methodNames
            let (model, id) = (request.model, request.requestID)
            span.updateAttributes { attributes in
                // Not gRPC's, though its status codes are.
                attributes["rpc.system"] = "distillery"
                attributes["rpc.service"] = service
                attributes["rpc.method"] = method
                attributes["network.transport"] = "unix"
                attributes["server.address"] = socket
                if !model.isEmpty { attributes["distillery.model"] = model }
                if !id.isEmpty { attributes["distillery.request_id"] = id }
            }
            // The caller knows better.
            guard request.traceparent.isEmpty else { return }
            InstrumentationSystem.instrument.inject(span.context, into: &request, using: TraceparentInjector())
        }

        func waitsAgain() {
            span.addEvent(SpanEvent(name: "the connection was lost; the call waits to be sent again"))
        }

        func ended(_ outcome: Result<Response, ModelClientError>) {
            span.updateAttributes { attributes in
                attributes["rpc.grpc.status_code"] = Int(outcome.status.rawValue)
                switch outcome {
                case .success(let response):
                    if !response.model.isEmpty { attributes["distillery.answered_by"] = response.model }
                    if !response.requestID.isEmpty { attributes["distillery.request_id"] = response.requestID }
                case .failure(let error):
                    if let id = error.requestID { attributes["distillery.request_id"] = id }
                }
            }
            if case .failure(let error) = outcome {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error, message: error.message))
            }
            span.end()
        }
    }

    /// Keeps what of a context has a place in a request: W3C's `traceparent`.
    private struct TraceparentInjector: Injector {
        func inject(_ value: String, forKey key: String, into request: inout Request) {
            if key.lowercased() == "traceparent" { request.traceparent = value }
        }
    }
#else
    /// The span of a call: none, without the package trait `TracingSupport`.
    struct CallSpan: Sendable {
        init(_ request: inout Request, to socket: String) {}
        func waitsAgain() {}
        func ended(_ outcome: Result<Response, ModelClientError>) {}
    }
#endif
