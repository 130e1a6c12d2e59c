// swift-tools-version: 6.0
// The library for Apple platforms. Its native half comes from `cargo xtask bindings swift`; see ios/README.md.

import PackageDescription

let package = Package(
    name: "Billfold",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Billfold", targets: ["Billfold"]),
    ],
    targets: [
        .systemLibrary(name: "CBillfoldFFI", path: "ios/generated/CBillfoldFFI"),
        .target(
            name: "BillfoldFFI",
            dependencies: ["CBillfoldFFI"],
            path: "ios/generated/BillfoldFFI",
            // Swift 6.0 crashes on the generated code in its own language mode.
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.linkedLibrary("billfold_ffi")]
        ),
        .target(name: "Billfold", dependencies: ["BillfoldFFI"], path: "ios/Sources/Billfold"),
        // Keys for the tests, held on Swift's side of the border. Nothing that ships needs it.
        .systemLibrary(
            name: "CSodium",
            path: "ios/Tests/CSodium",
            pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]
        ),
        .testTarget(
            name: "BillfoldTests",
            dependencies: ["Billfold", "BillfoldFFI", "CSodium"],
            path: "ios/Tests/BillfoldTests"
        ),
    ]
)
