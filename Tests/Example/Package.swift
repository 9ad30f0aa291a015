// swift-tools-version: 6.2
//
// A program of its own that uses the libraries ModelClient and ModelClientTesting, as a stranger's would. A package outside this repository
// names its address instead of the path.

import PackageDescription

let package = Package(
    name: "Example",
    dependencies: [
        .package(name: "distillery", path: "../..", traits: ["ServiceLifecycleSupport"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "Example",
            dependencies: [
                .product(name: "ModelClient", package: "distillery"),
                .product(name: "ModelClientTesting", package: "distillery"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: [.treatAllWarnings(as: .error), .enableUpcomingFeature("MemberImportVisibility")]
        )
    ],
    swiftLanguageModes: [.v6]
)
