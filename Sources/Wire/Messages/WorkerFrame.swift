package import CWireMessages

package enum WorkerFrame: Sendable, Equatable {
    /// Worker, first.
    case hello(Hello)
    /// Supervisor, with the pack's descriptor.
    case load(Load)
    /// Worker.
    case ready(Ready)
    /// Worker or packer: it cannot go on; it exits after this.
    case failed(Failed)
    /// Supervisor.
    case prepare(Prepare)
    /// Worker.
    case prepared(Prepared)
    /// Supervisor.
    case start(Start)
    /// Supervisor.
    case revoke(Revoke)
    /// Worker.
    case result(Result)
    /// Worker.
    case batchDone(BatchDone)
    /// Supervisor: finish what was started, then exit 0.
    case drain(Drain)
    /// Supervisor, with a writable descriptor for the pack.
    case pack(Pack)
    /// Packer.
    case packKey(PackKey)
    /// Supervisor: no such pack in the cache, write it.
    case packProceed(PackProceed)
    /// Packer.
    case packDone(PackDone)
    /// Packer.
    /// Worker.
    case progress(Progress)
}

extension WorkerFrame: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__WorkerFrame>) {
        worker__v1__worker_frame__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__WorkerFrame, _ arena: inout EncodingArena) {
        switch self {
        case .hello(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_HELLO
            structure.hello = arena.message(body)
        case .load(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_LOAD
            structure.load = arena.message(body)
        case .ready(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_READY
            structure.ready = arena.message(body)
        case .failed(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_FAILED
            structure.failed = arena.message(body)
        case .prepare(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PREPARE
            structure.prepare = arena.message(body)
        case .prepared(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PREPARED
            structure.prepared = arena.message(body)
        case .start(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_START
            structure.start = arena.message(body)
        case .revoke(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_REVOKE
            structure.revoke = arena.message(body)
        case .result(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_RESULT
            structure.result = arena.message(body)
        case .batchDone(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_BATCH_DONE
            structure.batch_done = arena.message(body)
        case .drain(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_DRAIN
            structure.drain = arena.message(body)
        case .pack(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PACK
            structure.pack = arena.message(body)
        case .packKey(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PACK_KEY
            structure.pack_key = arena.message(body)
        case .packProceed(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PACK_PROCEED
            structure.pack_proceed = arena.message(body)
        case .packDone(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PACK_DONE
            structure.pack_done = arena.message(body)
        case .progress(let body):
            structure.body_case = WORKER__V1__WORKER_FRAME__BODY_PROGRESS
            structure.progress = arena.message(body)
        }
    }

    package init(_ structure: Worker__V1__WorkerFrame) throws(WireError) {
        switch structure.body_case {
        case WORKER__V1__WORKER_FRAME__BODY_HELLO:
            self = .hello(try decodeBody(structure.hello, "hello"))
        case WORKER__V1__WORKER_FRAME__BODY_LOAD:
            self = .load(try decodeBody(structure.load, "load"))
        case WORKER__V1__WORKER_FRAME__BODY_READY:
            self = .ready(try decodeBody(structure.ready, "ready"))
        case WORKER__V1__WORKER_FRAME__BODY_FAILED:
            self = .failed(try decodeBody(structure.failed, "failed"))
        case WORKER__V1__WORKER_FRAME__BODY_PREPARE:
            self = .prepare(try decodeBody(structure.prepare, "prepare"))
        case WORKER__V1__WORKER_FRAME__BODY_PREPARED:
            self = .prepared(try decodeBody(structure.prepared, "prepared"))
        case WORKER__V1__WORKER_FRAME__BODY_START:
            self = .start(try decodeBody(structure.start, "start"))
        case WORKER__V1__WORKER_FRAME__BODY_REVOKE:
            self = .revoke(try decodeBody(structure.revoke, "revoke"))
        case WORKER__V1__WORKER_FRAME__BODY_RESULT:
            self = .result(try decodeBody(structure.result, "result"))
        case WORKER__V1__WORKER_FRAME__BODY_BATCH_DONE:
            self = .batchDone(try decodeBody(structure.batch_done, "batch_done"))
        case WORKER__V1__WORKER_FRAME__BODY_DRAIN:
            self = .drain(try decodeBody(structure.drain, "drain"))
        case WORKER__V1__WORKER_FRAME__BODY_PACK:
            self = .pack(try decodeBody(structure.pack, "pack"))
        case WORKER__V1__WORKER_FRAME__BODY_PACK_KEY:
            self = .packKey(try decodeBody(structure.pack_key, "pack_key"))
        case WORKER__V1__WORKER_FRAME__BODY_PACK_PROCEED:
            self = .packProceed(try decodeBody(structure.pack_proceed, "pack_proceed"))
        case WORKER__V1__WORKER_FRAME__BODY_PACK_DONE:
            self = .packDone(try decodeBody(structure.pack_done, "pack_done"))
        case WORKER__V1__WORKER_FRAME__BODY_PROGRESS:
            self = .progress(try decodeBody(structure.progress, "progress"))
        default:
            throw WireError(.malformed, "the frame has no body that this version knows")
        }
    }
}
