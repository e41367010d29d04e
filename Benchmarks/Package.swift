// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let ferrule: [Target.Dependency] = [
  "FerruleLanguage", "FerruleEvaluator", "FerruleLab", "FerruleKernel", "FerruleDiagnostics", "FerruleWire", "FerruleConntrack",
].map {
  .product(name: $0, package: "ferrule")
}

/// Apart from the package itself, so that whoever builds Ferrule fetches none of what only measuring needs.
let package = Package(
  name: "Benchmarks",
  dependencies: [
    .package(name: "ferrule", path: ".."),
    // Without its traits there is no allocator to install first; allocations are then not counted.
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "RulesetSamples", path: "RulesetSamples", swiftSettings: strict),
    .executableTarget(
      name: "FerruleBenchmarks",
      dependencies: ferrule + ["RulesetSamples", .product(name: "Benchmark", package: "benchmark")],
      path: "FerruleBenchmarks", swiftSettings: strict,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    .executableTarget(
      name: "RestoreComparison", dependencies: ["Measuring", "RulesetSamples"], path: "RestoreComparison", swiftSettings: strict),
    .target(name: "AllocationCount", path: "AllocationCount"),
    .target(name: "TunDevice", path: "TunDevice"),
    .target(name: "Measuring", dependencies: ["AllocationCount"], path: "Measuring", swiftSettings: strict),
    .target(name: "PacketLoads", dependencies: ferrule, path: "PacketLoads", swiftSettings: strict),
    .executableTarget(
      name: "PacketCosts", dependencies: ferrule + ["Measuring", "PacketLoads", "TunDevice"], path: "PacketCosts", swiftSettings: strict),
    .executableTarget(
      name: "InstructionCounts", dependencies: ferrule + ["PacketLoads", "RulesetSamples"], path: "InstructionCounts", swiftSettings: strict
    ),
    .executableTarget(name: "AnalysisCosts", dependencies: ["Measuring", "RulesetSamples"], path: "AnalysisCosts", swiftSettings: strict),
    .executableTarget(name: "ScenarioCosts", dependencies: ferrule + ["Measuring"], path: "ScenarioCosts", swiftSettings: strict),
  ]
)
