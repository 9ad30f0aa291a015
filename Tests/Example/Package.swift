// swift-tools-version: 6.2
//
// A program of its own that uses the libraries ModelClient and ModelClientTesting, as a stranger's would. A package outside this repository
// names its address instead of the path.

import PackageDescription

let package = Package(
    name: "Example",
    dependencies: [
        .package(
            name: "distillery",
            path: "../..",
            traits: ["ServiceLifecycleSupport", "TracingSupport", "MetricsSupport"]
        ),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "Example",
            dependencies: [
                .product(name: "ModelClient", package: "distillery"),
                .product(name: "ModelClientTesting", package: "distillery"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: [.treatAllWarnings(as: .error), .enableUpcomingFeature("MemberImportVisibility")]
        )
    ],
    swiftLanguageModes: [.v6]
)
