// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// `make fuzz-input` sets this to the library of libFuzzer: all that is ours is then compiled with counters of covered code.
let libFuzzer = ProcessInfo.processInfo.environment["FERRULE_LIBFUZZER"]
let coverage: [SwiftSetting] = libFuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"]), .define("FERRULE_LIBFUZZER")]

/// `make release` sets this to the first twelve digits of the commit.
let commit = ProcessInfo.processInfo.environment["FERRULE_COMMIT"].flatMap { $0.count == 12 ? UInt64($0, radix: 16) : nil }

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

/// - Parameter programs: what the tests run as a process of its own instead of importing it.
func tests(_ name: String, of targets: [Target.Dependency], starting programs: [Target.Dependency] = []) -> Target {
  .testTarget(name: name, dependencies: ["TestSupport"] + targets + programs, swiftSettings: strict)
}

func floorOfTests(_ name: String, on below: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: below, path: "Tests/\(name)", swiftSettings: strict)
}

/// A library product: a module of the product's name that re-exports these modules, so that one import suffices.
func library(_ name: String, of modules: [String]) -> (product: Product, target: Target) {
  (
    .library(name: name, targets: [name] + modules),
    .target(name: name, dependencies: modules.map { .byName(name: $0) }, path: "Products/\(name)", swiftSettings: strict)
  )
}

let libraries = [
  library("FerruleDiagnostics", of: ["Diagnostics"]),
  library("FerruleWire", of: ["Wire", "Capture"]),
  library("FerruleConntrack", of: ["Wire", "Netfilter", "Conntrack", "NAT"]),
  library(
    "FerruleLanguage",
    of: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Grammar", "SystemNames"]),
  library("FerruleEvaluator", of: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "NAT", "XTables", "Evaluator", "Notation"]),
  library("FerruleAnalysis", of: ["Wire", "XTables", "Evaluator", "Analysis"]),
  library("FerruleLinter", of: ["Diagnostics", "XTables", "Syntax", "Linter", "Policies"]),
  library("FerruleLab", of: ["Diagnostics", "XTables", "Evaluator", "Documents", "Notation", "Scenarios", "Lab", "Suites", "Snapshots"]),
  library("FerruleChanges", of: ["Diagnostics", "XTables", "Syntax", "Changes"]),
  library("FerruleKernel", of: ["Diagnostics", "XTables", "Kernel", "KernelLab"]),
]

let package = Package(
  name: "ferrule",
  products: [
    .executable(name: "ferrule", targets: ["ferrule"]),
    .executable(name: "ferrule-legacy-multi", targets: ["ferrule-legacy-multi"]),
    .executable(name: "ferrule-nft-multi", targets: ["ferrule-nft-multi"]),
    .executable(name: "ferrule-xtables", targets: ["ferrule-xtables"]),
  ] + libraries.map(\.product),
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "CNetfilter"),
    .target(name: "CLinux"),
    .target(name: "CVersion", cSettings: commit.map { [.define("FERRULE_COMMIT", to: "0x\(String($0, radix: 16))ULL")] } ?? []),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CIp4tc", pkgConfig: "libip4tc", providers: [.apt(["libip4tc-dev", "libiptc-dev"])]),
    .systemLibrary(name: "CIp6tc", pkgConfig: "libip6tc", providers: [.apt(["libip6tc-dev", "libiptc-dev"])]),
    .systemLibrary(name: "CXtables", pkgConfig: "xtables", providers: [.apt(["libxtables-dev"])]),
    .target(name: "CPcap"),

    // Speaks to libxtables, which ends its process over a mistake.
    .executableTarget(name: "ferrule-xtables", dependencies: ["CXtables"]),

    floor("Diagnostics"),
    floor("Wire"),
    floor("Capture", on: ["Wire", "CPcap"]),
    floor("Netfilter"),
    floor("Conntrack", on: ["Wire", "Netfilter"]),
    floor("NAT", on: ["Wire", "Netfilter", "Conntrack"]),
    floor("XTables", on: ["Diagnostics", "Wire", "Netfilter", "Conntrack"]),
    floor("Syntax", on: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables"]),
    floor("Compiler", on: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax"]),
    floor("Extensions", on: ["Wire", "Netfilter", "Conntrack", "NAT", "XTables", "CNetfilter"]),
    floor("Grammar", on: ["Wire", "Netfilter", "XTables"]),
    floor("Evaluator", on: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "NAT", "XTables"]),
    floor("Analysis", on: ["Wire", "Netfilter", "Conntrack", "NAT", "XTables", "Evaluator"]),
    floor("Linter", on: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Analysis"]),
    floor("Documents", on: ["Diagnostics", "Yams"]),
    floor("LanguageServer", on: ["Diagnostics", "Wire", "Netfilter", "XTables", "Syntax", "Linter", "Documents"]),
    floor("Policies", on: ["Diagnostics", "Wire", "Netfilter", "Linter", "Documents"]),
    floor("Notation", on: ["Diagnostics", "Wire", "Netfilter", "XTables", "Evaluator"]),
    floor("Scenarios", on: ["Diagnostics", "Wire", "Netfilter", "XTables", "Evaluator", "Documents", "Notation"]),
    floor(
      "Lab",
      on: [
        "Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Evaluator", "Documents", "Notation", "Scenarios",
      ]),
    floor(
      "Suites",
      on: [
        "Diagnostics", "Wire", "Capture", "Netfilter", "Conntrack", "XTables", "Syntax", "Evaluator", "Documents", "Notation", "Scenarios",
        "Lab",
      ]),
    floor("Snapshots", on: ["Diagnostics", "Wire", "Conntrack", "XTables", "Evaluator", "Documents", "Scenarios", "Lab", "Suites"]),
    floor(
      "Explorer", on: ["Diagnostics", "Wire", "Netfilter", "XTables", "Syntax", "Evaluator", "Documents", "Notation"]),
    floor("SystemNames", on: ["Diagnostics", "XTables"]),
    floor(
      "Kernel",
      on: ["Diagnostics", "Wire", "Netfilter", "XTables", "Compiler", "SystemNames", "CNetfilter", "CLinux", "CIp4tc", "CIp6tc", "CZlib"]),
    floor("DropIn", on: ["Diagnostics", "Wire", "XTables", "Syntax", "Compiler", "Kernel"]),
    floor(
      "KernelLab",
      on: [
        "Wire", "Conntrack", "XTables", "Compiler", "Evaluator", "Documents", "Notation", "Scenarios", "Lab", "Snapshots", "SystemNames",
        "Kernel",
      ]),
    floor(
      "Changes",
      on: [
        "Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Evaluator", "Analysis", "Linter", "Documents", "Notation",
        "SystemNames",
      ]),
    floor(
      "Fuzzing",
      on: [
        "Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Grammar", "Documents", "Scenarios", "Lab",
        "KernelLab",
      ]),
    .executableTarget(
      name: "ferrule",
      dependencies: [
        "Diagnostics", "Wire", "Capture", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Analysis",
        "Linter", "Documents", "Policies", "Notation", "Scenarios", "Lab", "Suites", "Snapshots", "SystemNames", "Kernel", "DropIn",
        "KernelLab", "Changes",
        "Fuzzing", "LanguageServer", "Explorer", "CVersion",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // What `ferrule` answers as iptables, without what else `ferrule` is: it starts in a fraction of the time.
    .executableTarget(
      name: "ferrule-legacy-multi", dependencies: ["XTables", "Extensions", "Kernel", "DropIn"], swiftSettings: strict),
    // The same for the commands of iptables-nft.
    .executableTarget(
      name: "ferrule-nft-multi", dependencies: ["XTables", "Extensions", "Kernel", "DropIn"], swiftSettings: strict),

    // The example of a program that embeds Ferrule. It has a package of its own; here the tests build and run it.
    .executableTarget(
      name: "EmbeddingExample", dependencies: ["FerruleLanguage", "FerruleLinter", "FerruleEvaluator"],
      path: "Examples/embedding/Sources/embedding"),

    // What the tests share: the package's and the shared folder, and when a test is not run.
    floorOfTests(
      "TestSupport",
      on: ["Diagnostics", "Wire", "XTables", "Compiler", "Evaluator", "Documents", "Notation", "Scenarios", "Lab", "Suites", "Kernel"]),
    tests("WireTests", of: ["Wire", "Capture", "XTables", "Documents"]),
    tests("ConntrackTests", of: ["Wire", "Netfilter", "Conntrack", "NAT", "XTables", "Documents"]),
    tests(
      "LanguageTests",
      of: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Grammar", "Kernel"]),
    tests(
      "EvaluatorTests",
      of: [
        "Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Documents",
        "Notation", "Scenarios", "Lab", "Suites", "Kernel", "KernelLab", "Soak",
      ]),
    tests(
      "ScenarioTests",
      of: [
        "Diagnostics", "Wire", "Capture", "XTables", "Extensions", "Evaluator", "Documents", "Scenarios", "Lab", "Suites", "Snapshots",
        "KernelLab",
      ]),
    tests(
      "AnalysisTests",
      of: ["Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Extensions", "Evaluator", "Analysis", "Linter"]),
    tests("LabTests", of: ["Diagnostics", "Wire", "XTables", "Documents", "Notation", "Evaluator", "Scenarios", "Lab"]),
    // Drives a host with random traffic and checks it after each packet; `make soak` runs it for long, a test for a while.
    .executableTarget(
      name: "Soak",
      dependencies: ["Diagnostics", "Wire", "Conntrack", "NAT", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Scenarios"],
      path: "Tests/Soak", swiftSettings: strict),
    // Starts programs whose memory is measured: see its comment.
    .executableTarget(name: "MemoryProbe", path: "Tests/MemoryProbe", swiftSettings: strict),
    // A process of one thread, which a test is not: it enters a sandbox and tells what it found there.
    .executableTarget(
      name: "SandboxProbe", dependencies: ["Wire", "XTables", "Compiler", "Extensions", "Kernel"], path: "Tests/SandboxProbe",
      swiftSettings: strict),
    tests(
      "KernelTests",
      of: [
        "Diagnostics", "Wire", "Netfilter", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Documents",
        "Scenarios", "Snapshots", "Lab", "Kernel", "KernelLab", "CNetfilter",
      ], starting: ["SandboxProbe", "ferrule-legacy-multi"]),
    // Every reader of what strangers write, and their inputs; the program reads them, damages them, and is libFuzzer's in `make fuzz-input`.
    floorOfTests(
      "InputFuzzing",
      on: [
        "Diagnostics", "Wire", "Netfilter", "Capture", "Conntrack", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Linter",
        "Policies", "Documents",
        "Notation", "Scenarios", "Lab", "Suites", "Snapshots", "Kernel", "DropIn", "LanguageServer", "Explorer",
        "TestSupport",
      ]),
    .executableTarget(
      name: "InputFuzzer", dependencies: ["Kernel", "InputFuzzing"] + (libFuzzer == nil ? [] : ["CLibFuzzer"]), path: "Tests/InputFuzzer",
      exclude: ["fuzz-input.sh"],
      swiftSettings: strict, linkerSettings: libFuzzer.map { [.unsafeFlags([$0]), .linkedLibrary("stdc++")] }),
    tests(
      "FuzzingTests",
      of: ["Wire", "XTables", "Extensions", "Documents", "Scenarios", "Suites", "Kernel", "KernelLab", "Fuzzing", "InputFuzzing"],
      starting: ["InputFuzzer"]),
    tests(
      "DropInTests", of: ["Wire", "Netfilter", "XTables", "Extensions", "Kernel", "DropIn"],
      starting: ["ferrule", "ferrule-legacy-multi", "ferrule-nft-multi"]),
    tests(
      "FerruleTests",
      of: [
        "Diagnostics", "Wire", "XTables", "Syntax", "Compiler", "Extensions", "Evaluator", "Grammar", "Linter", "Policies",
        "Documents", "Notation", "SystemNames", "Kernel", "LanguageServer", "Explorer",
      ],
      starting: ["ferrule", "MemoryProbe", "EmbeddingExample"]),
  ] + libraries.map(\.target)
)

if libFuzzer != nil { package.targets.append(.target(name: "CLibFuzzer", path: "Tests/CLibFuzzer")) }
