// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// `make fuzz-input` sets this to the library of libFuzzer: all that is ours is then compiled with counters of covered code.
let libFuzzer = ProcessInfo.processInfo.environment["FERRULE_LIBFUZZER"]
let coverage: [SwiftSetting] = libFuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"]), .define("FERRULE_LIBFUZZER")]

/// Every target that is ours is compiled with the same strictness.
let strict: [SwiftSetting] =
  [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + coverage

/// A floor of the house; `Docs/Architecture.md` has the picture, `ArchitectureTests` enforces it.
func floor(_ name: String, on below: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: below, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, of targets: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: ["TestSupport"] + targets, swiftSettings: strict)
}

func floorOfTests(_ name: String, on below: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: below, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
  name: "ferrule",
  products: [
    .executable(name: "ferrule", targets: ["ferrule"]),
    .executable(name: "ferrule-legacy-multi", targets: ["ferrule-legacy-multi"]),
    .executable(name: "ferrule-xtables", targets: ["ferrule-xtables"]),
    .library(name: "FerruleDiagnostics", targets: ["Diagnostics"]),
    .library(name: "FerruleWire", targets: ["Wire", "Capture"]),
    .library(name: "FerruleConntrack", targets: ["Conntrack", "NAT"]),
    .library(name: "FerruleLanguage", targets: ["XTables", "Syntax", "Compiler", "Extensions", "Grammar"]),
    .library(name: "FerruleEvaluator", targets: ["Evaluator"]),
    .library(name: "FerruleAnalysis", targets: ["Analysis"]),
    .library(name: "FerruleLinter", targets: ["Linter"]),
    .library(name: "FerruleLab", targets: ["Lab"]),
    .library(name: "FerruleKernel", targets: ["Kernel", "KernelLab"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "CNetfilter"),
    .target(name: "CLinux"),
    .systemLibrary(name: "CIp4tc", pkgConfig: "libip4tc", providers: [.apt(["libip4tc-dev", "libiptc-dev"])]),
    .systemLibrary(name: "CIp6tc", pkgConfig: "libip6tc", providers: [.apt(["libip6tc-dev", "libiptc-dev"])]),
    .systemLibrary(name: "CXtables", pkgConfig: "xtables", providers: [.apt(["libxtables-dev"])]),
    .target(name: "CPcap"),

    // Speaks to libxtables, which ends its process over a mistake.
    .executableTarget(name: "ferrule-xtables", dependencies: ["CXtables"]),

    floor("Diagnostics"),
    floor("Wire"),
    floor("Capture", on: ["Wire", "CPcap"]),
    floor("Conntrack", on: ["Wire"]),
    floor("NAT", on: ["Wire", "Conntrack"]),
    floor("XTables", on: ["Diagnostics", "Wire", "Conntrack", "NAT", "CNetfilter"]),
    floor("Syntax", on: ["XTables", "Diagnostics"]),
    floor("Compiler", on: ["XTables", "Syntax", "Diagnostics", "CNetfilter"]),
    floor("Extensions", on: ["XTables", "Wire", "Conntrack", "NAT", "CNetfilter"]),
    floor("Grammar", on: ["XTables", "Conntrack", "Wire"]),
    floor("Evaluator", on: ["XTables", "Compiler", "Wire", "Conntrack", "NAT", "Diagnostics"]),
    floor("Analysis", on: ["Evaluator", "XTables", "Wire", "Conntrack"]),
    floor("Linter", on: ["Analysis", "Conntrack", "Wire", "XTables", "Syntax", "Compiler", "Diagnostics"]),
    floor("Lab", on: ["Evaluator", "XTables", "Syntax", "Compiler", "Capture", "Wire", "Conntrack", "NAT", "Diagnostics", "Yams"]),
    floor("Kernel", on: ["XTables", "Compiler", "Wire", "Diagnostics", "CNetfilter", "CLinux", "CIp4tc", "CIp6tc"]),
    floor("DropIn", on: ["Kernel", "Conntrack", "Syntax", "Compiler", "XTables", "Wire", "Diagnostics"]),
    floor("KernelLab", on: ["Kernel", "Lab", "Evaluator", "Compiler", "XTables", "Conntrack", "Wire"]),
    floor("Fuzzing", on: ["KernelLab", "Lab", "Grammar", "Syntax", "Compiler", "XTables", "Conntrack", "Wire", "Diagnostics"]),
    .executableTarget(
      name: "ferrule",
      dependencies: [
        "Diagnostics", "Wire", "Capture", "Conntrack", "NAT", "XTables", "Syntax", "Compiler", "Extensions",
        "Evaluator", "Analysis", "Linter", "Lab", "Kernel", "KernelLab", "Fuzzing", "DropIn", "Grammar",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // What `ferrule` answers as iptables, without what else `ferrule` is: it starts in a fraction of the time.
    .executableTarget(
      name: "ferrule-legacy-multi", dependencies: ["DropIn", "Extensions", "Kernel", "XTables"], swiftSettings: strict),

    // What the tests share: the package's and the shared folder, and when a test is not run.
    floorOfTests("TestSupport", on: ["Kernel", "Lab", "Evaluator", "Diagnostics"]),
    tests("WireTests", of: ["Lab", "XTables", "Wire", "Capture"]),
    tests("ConntrackTests", of: ["Lab", "XTables", "Conntrack", "NAT", "Wire"]),
    tests("LanguageTests", of: ["Grammar", "Diagnostics", "XTables", "Syntax", "Compiler", "Extensions", "Kernel", "Wire", "Conntrack"]),
    tests(
      "EvaluatorTests",
      of: [
        "Soak", "Evaluator", "KernelLab", "Kernel", "Lab", "Syntax", "Compiler", "Extensions", "XTables", "Wire", "Conntrack", "NAT",
        "Diagnostics",
      ]),
    tests(
      "ScenarioTests",
      of: ["Evaluator", "KernelLab", "Lab", "Extensions", "Syntax", "XTables", "Capture", "Conntrack", "Wire", "Diagnostics"]),
    tests(
      "AnalysisTests",
      of: ["Analysis", "Evaluator", "Lab", "Linter", "Syntax", "Compiler", "Extensions", "XTables", "Conntrack", "Wire", "Diagnostics"]),
    tests("LabTests", of: ["Lab", "XTables", "Wire", "Diagnostics"]),
    // Drives a host with random traffic and checks it after each packet; `make soak` runs it for long, a test for a while.
    .executableTarget(
      name: "Soak",
      dependencies: ["Lab", "Evaluator", "Extensions", "Syntax", "Compiler", "Diagnostics", "XTables", "NAT", "Conntrack", "Wire"],
      path: "Tests/Soak", swiftSettings: strict),
    // Starts programs whose memory is measured: see its comment.
    .executableTarget(name: "MemoryProbe", path: "Tests/MemoryProbe", swiftSettings: strict),
    // A process of one thread, which a test is not: it enters a sandbox and tells what it found there.
    .executableTarget(name: "SandboxProbe", dependencies: ["Kernel", "Wire"], path: "Tests/SandboxProbe", swiftSettings: strict),
    tests(
      "KernelTests",
      of: ["SandboxProbe", "KernelLab", "Kernel", "Lab", "Syntax", "Compiler", "Extensions", "XTables", "Conntrack", "Diagnostics", "Wire"]),
    // Every reader of what strangers write, and their inputs; the program reads them, damages them, and is libFuzzer's in `make fuzz-input`.
    floorOfTests(
      "InputFuzzing",
      on: [
        "DropIn", "Kernel", "Lab", "Linter", "Evaluator", "Extensions", "Compiler", "Syntax", "XTables", "Conntrack", "Capture", "Wire",
        "Diagnostics",
        "TestSupport",
      ]),
    .executableTarget(
      name: "InputFuzzer", dependencies: ["InputFuzzing", "Kernel"] + (libFuzzer == nil ? [] : ["CLibFuzzer"]), path: "Tests/InputFuzzer",
      exclude: ["fuzz-input.sh"],
      swiftSettings: strict, linkerSettings: libFuzzer.map { [.unsafeFlags([$0]), .linkedLibrary("stdc++")] }),
    tests("FuzzingTests", of: ["InputFuzzing", "InputFuzzer", "Fuzzing", "KernelLab", "Kernel", "Lab", "Extensions", "XTables", "Wire"]),
    tests("DropInTests", of: ["ferrule", "ferrule-legacy-multi", "DropIn", "Kernel", "Extensions", "XTables", "Conntrack", "Wire"]),
    tests(
      "FerruleTests",
      of: ["ferrule", "MemoryProbe", "Grammar", "Kernel", "Wire", "Linter", "Syntax", "Compiler", "Extensions", "XTables", "Diagnostics"]),
  ]
)

if libFuzzer != nil { package.targets.append(.target(name: "CLibFuzzer", path: "Tests/CLibFuzzer")) }
