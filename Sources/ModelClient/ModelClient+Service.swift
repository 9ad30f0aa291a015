#if ServiceLifecycleSupport
    public import ServiceLifecycle

    extension ModelClient: Service {
        /// Runs a body; a graceful shutdown of the service group meanwhile ends the client once its calls have ended.
        nonisolated(nonsending) func drainingOnGracefulShutdown(_ body: nonisolated(nonsending) () async -> Void) async
        {
            await withGracefulShutdownHandler(operation: body) { self.core.drain() }
        }
    }
#else
    extension ModelClient {
        /// Runs a body. Without swift-service-lifecycle nobody asks for a graceful shutdown.
        nonisolated(nonsending) func drainingOnGracefulShutdown(_ body: nonisolated(nonsending) () async -> Void) async
        {
            await body()
        }
    }
#endif
