// swift-tools-version: 6.2
//
// The manifest is the architecture diagram: one folder under `Sources` is one target, the targets are grouped by
// layer, and no target depends on one of a layer above its own. `ops/check` builds with
// `--explicit-target-dependency-import-check error`, so an import that is not written here does not compile.

import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "distillery",
    products: [
        .library(name: "ModelClient", targets: ["ModelClient"]),
        .library(name: "ModelClientTesting", targets: ["ModelClientTesting"]),
        .executable(name: "modeld", targets: ["modeld"]),
        .executable(name: "modelworker", targets: ["modelworker"]),
        .executable(name: "modelctl", targets: ["modelctl"]),
        .executable(name: "distill", targets: ["distill"]),
    ],
    traits: [
        .trait(
            name: "ServiceLifecycleSupport",
            description: "ModelClient is a Service of swift-service-lifecycle and shuts down gracefully."
        ),
        .trait(
            name: "TracingSupport",
            description: "Each call of ModelClient is a span of swift-distributed-tracing, which the server logs."
        ),
        .trait(
            name: "MetricsSupport",
            description: "ModelClient reports its calls and connections to swift-metrics."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: - L0 C: system libraries, generated messages, kernels

        .systemLibrary(name: "CProtobufC"),
        .systemLibrary(name: "CNuma"),
        .target(
            name: "CWireMessages",
            dependencies: ["CProtobufC"],
            linkerSettings: [.linkedLibrary("protobuf-c")]
        ),
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),
        .target(name: "CLinuxShims"),

        // MARK: - L1 mechanism: one operating-system or arithmetic facility each, no models

        .target(name: "Time", swiftSettings: strict),
        .target(name: "LinuxSystem", dependencies: ["CLinuxShims", "Time"], swiftSettings: strict),
        .target(
            name: "Topology",
            dependencies: ["CNuma", "LinuxSystem"],
            swiftSettings: strict,
            linkerSettings: [.linkedLibrary("numa")]
        ),
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "Messages", swiftSettings: strict),
        .target(name: "Wire", dependencies: ["CWireMessages", "CProtobufC", "Messages"], swiftSettings: strict),
        .target(name: "Tensors", dependencies: ["CKernels"], swiftSettings: strict),
        .target(name: "Tokenization", swiftSettings: strict),

        // MARK: - L2 domain: checkpoints, the encoder, tasks, their answers as JSON, training

        .target(name: "AnswerForms", dependencies: ["JSON", "Messages"], swiftSettings: strict),
        .target(
            name: "ModelFiles",
            dependencies: ["CLinuxShims", "JSON", "Tokenization"],
            swiftSettings: strict
        ),
        .target(name: "DistilBERT", dependencies: ["Tensors", "ModelFiles", "Tokenization"], swiftSettings: strict),
        .target(
            name: "Tasks",
            dependencies: [
                "AnswerForms", "DistilBERT", "JSON", "Messages", "ModelFiles", "Tensors", "Tokenization",
            ],
            swiftSettings: strict
        ),

        .target(
            name: "Training",
            dependencies: ["DistilBERT", "JSON", "ModelFiles", "Tensors", "Tokenization"],
            swiftSettings: strict
        ),

        // MARK: - L3 roles: the worker, the supervisor and its configuration, the client, the maker of models

        .target(
            name: "Worker",
            dependencies: [
                "Tasks", "DistilBERT", "ModelFiles", "Tensors", "Tokenization", "Messages", "Wire", "LinuxSystem",
                "Time", "Topology",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Configuration",
            dependencies: ["LinuxSystem", "Time", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict
        ),
        .target(
            name: "Supervisor",
            dependencies: [
                "Configuration", "Messages", "Wire", "LinuxSystem", "Time", "Topology",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "ModelClient",
            dependencies: [
                "Messages", "Wire",
                .product(
                    name: "CoreMetrics",
                    package: "swift-metrics",
                    condition: .when(traits: ["MetricsSupport"])
                ),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycleSupport"])
                ),
                .product(
                    name: "Tracing",
                    package: "swift-distributed-tracing",
                    condition: .when(traits: ["TracingSupport"])
                ),
            ],
            swiftSettings: strict
        ),

        .target(
            name: "ModelClientTesting",
            dependencies: [
                "ModelClient", "Messages", "Wire",
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),

        .target(
            name: "Distillation",
            dependencies: [
                "AnswerForms", "CLinuxShims", "DistilBERT", "JSON", "LinuxSystem", "Messages", "ModelFiles", "Tasks",
                "Tensors", "Tokenization", "Training", "Wire",
                .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["Recipes/README.md"],
            swiftSettings: strict
        ),

        // MARK: - L4 programs: flags and printing only

        .executableTarget(
            name: "modeld",
            dependencies: [
                "Configuration", "LinuxSystem", "Supervisor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(name: "modelworker", dependencies: ["Worker"], swiftSettings: strict),
        .executableTarget(
            name: "modelctl",
            dependencies: [
                "AnswerForms", "Configuration", "JSON", "LinuxSystem", "Messages", "ModelClient", "Topology", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "distill",
            dependencies: [
                "Distillation", "JSON", "LinuxSystem", "ModelClient", "Tensors",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "examples",
            dependencies: [
                "ModelClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "DistilBERT", "LinuxSystem", "ModelClient", "ModelFiles", "Tasks", "Tensors", "Tokenization",
                "Training", "Messages", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // MARK: - Tests: the paths mirror `Sources`

        .target(
            name: "TestSupport",
            dependencies: ["ModelFiles", "LinuxSystem", "Messages", "Wire"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Configuration", "Distillation", "ModelFiles", "Tasks", "TestSupport", "Tokenization", "Topology",
                "Messages", "Wire",
            ],
            path: "Tests/Fuzzing",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "fakeworker",
            dependencies: ["LinuxSystem", "Messages", "Worker"],
            path: "Tests/FakeWorker",
            swiftSettings: strict
        ),
        .target(
            name: "EmulatedKernels",
            dependencies: ["CKernels"],
            path: "Tests/EmulatedKernels",
            cSettings: [.headerSearchPath("../../Sources/CKernels")]
        ),
        .target(name: "FaultyKernels", dependencies: ["CKernels"], path: "Tests/FaultyKernels"),
        .executableTarget(
            name: "faultyworker",
            dependencies: ["FaultyKernels", "Tensors", "Worker"],
            path: "Tests/FaultyWorker",
            swiftSettings: strict
        ),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(
            name: "AnswerFormsTests",
            dependencies: ["AnswerForms", "JSON", "Messages"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TokenizationTests",
            dependencies: ["Tokenization", "ModelFiles"],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ModelFilesTests",
            dependencies: ["JSON", "ModelFiles", "Tokenization", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "TensorsTests", dependencies: ["EmulatedKernels", "Tensors"], swiftSettings: strict),
        .testTarget(
            name: "DistilBERTTests",
            dependencies: ["DistilBERT", "EmulatedKernels", "LinuxSystem", "ModelFiles", "Tensors", "TestSupport"],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TasksTests",
            dependencies: [
                "DistilBERT", "EmulatedKernels", "JSON", "LinuxSystem", "Messages", "ModelFiles", "Tasks", "Tensors",
                "TestSupport",
            ],
            exclude: ["Golden"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "DistilBERT", "EmulatedKernels", "JSON", "ModelFiles", "Tensors", "TestSupport", "Tokenization",
                "Training",
            ],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DistillationTests",
            dependencies: [
                "DistilBERT", "Distillation", "JSON", "LinuxSystem", "ModelFiles", "Tasks", "Tensors", "TestSupport",
                "Tokenization", "Training",
            ],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WireTests",
            dependencies: ["Messages", "Wire", "CWireMessages", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "TimeTests", dependencies: ["Time"], swiftSettings: strict),
        .testTarget(
            name: "LinuxSystemTests",
            dependencies: ["LinuxSystem", "TestSupport", "Time"],
            swiftSettings: strict
        ),
        .testTarget(name: "TopologyTests", dependencies: ["Topology"], swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: ["LinuxSystem", "Messages", "ModelFiles", "TestSupport", "Time", "Wire", "Worker"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: ["Configuration", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SupervisorTests",
            dependencies: ["Configuration", "LinuxSystem", "Supervisor", "Time", "Topology", "Messages", "Wire"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ModelClientTests",
            dependencies: [
                "ModelClient", "TestSupport", "Messages", "Wire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ModelClientTestingTests",
            dependencies: [
                "ModelClient", "ModelClientTesting",
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "ModelClient", "ModelClientTesting", "ModelFiles", "LinuxSystem", "Messages", "Time", "Wire",
                "TestSupport",
                "modeld", "modelworker", "modelctl", "distill", "examples", "fakeworker", "faultyworker",
            ],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
