import Conntrack
import Evaluator
import Extensions
import Kernel
import TestSupport
import Testing
import XTables

@testable import KernelLab
@testable import Lab
@testable import Scenarios

/// What `/proc/net/stat/nf_conntrack` says of a namespace in which a scenario was played, and what the engine's table says.
@Suite("The statistics of connection tracking", .asRoot, .serialized)
struct StatisticsTests {
  /// The kernel's columns. It counts `insert` and `delete` no more, and `new` and `ignore` neither.
  static func columns(_ statistics: ConntrackStatistics) -> [String: UInt64] {
    [
      "clashres": statistics.clashResolve, "found": statistics.found, "invalid": statistics.invalid,
      "insert_failed": statistics.insertFailed, "drop": statistics.drop, "early_drop": statistics.earlyDrop, "icmp_error": statistics.error,
      "expect_new": statistics.expectNew, "expect_create": statistics.expectCreate, "expect_delete": statistics.expectDelete,
      "chainlength": statistics.chainTooLong,
    ]
  }

  static let names: Set<String> = [
    "ct-badsum", "ct-bad-flags", "ct-drop-new", "ct-icmp-related", "tcp-rst-kinds", "tcp-challenge", "tcp-flags", "tcp-bad-header",
    "udp-sums",
    "icmp-others", "icmp-error-bad", "icmp-error-snat", "icmp-related-kinds", "frag-overlap", "nat-snat-clash", "nat-range",
    "nat-snat-mapping-reused", "zones-directions", "zones-same-tuple", "zone-tuple-of-two", "queue-held-unconfirmed", "ftp-port",
    "ftp-absurd", "ftp-pasv-snat",
    "expect-limit", "expect-expires", "tftp-snat", "sip-register", "pptp-call-snat", "irc-dcc", "ct-flush", "tcp-life-v6",
    "icmp-error-bad-v6",
    "udp-sums-v6", "ftp-eprt-v6", "masquerade-icmp-id-clash",
  ]

  static let lines: [String] = ["path", "protocol"].flatMap { kind in
    ((try? TextFile.lines("\(PackageFolder.path)/Tests/Fixtures/\(kind)-scenarios.jsonl")) ?? []).filter { line in
      names.contains((try? Scenario(line: line).name) ?? "")
    }
  }

  private static func kernel(_ scenario: Scenario) throws -> [String: UInt64] {
    try NetworkNamespace.onNewThread {
      let plan = try LabPlan(scenario, LabEngine(registry: .ferrule))
      let namespace = try LabNamespace(plan)
      var play = try ScenarioPlay(plan, in: namespace)
      _ = try play.play()
      play.end()
      return try statistics()
    }
  }

  /// The sums over all processors, in the calling thread's namespace.
  static func statistics() throws -> [String: UInt64] {
    let lines = try HostFile.read("/proc/thread-self/net/stat/nf_conntrack").split(separator: "\n").map { $0.split(separator: " ") }
    let names = try #require(lines.first)
    return lines.dropFirst().reduce(into: [:]) { sums, line in
      for (name, value) in zip(names, line) { sums[String(name), default: 0] += UInt64(value, radix: 16) ?? 0 }
    }
  }

  private static func engine(_ scenario: Scenario) throws -> [String: UInt64] {
    let engine = LabEngine(registry: .ferrule)
    var run = try LabEngineRun(scenario, try engine.rulesets(scenario.rules, scenario.rules6), nil, engine: engine)
    _ = try run.play()
    return columns(run.simulator.world.conntrack?.statistics ?? ConntrackStatistics())
  }

  @Test("the engine's statistics equal the kernel's") func theStatisticsEqualTheKernels() throws {
    #expect(Self.lines.count >= 35)
    var agreed = 0
    var counted: Set<String> = []
    for line in Self.lines {
      let scenario = try Scenario(line: line)
      let kernel = try Self.kernel(scenario)
      let engine = try Self.engine(scenario)
      let differences = engine.keys.sorted().filter { engine[$0] != kernel[$0] ?? 0 }
      #expect(differences.isEmpty, "\(scenario.name): \(differences.map { "\($0) kernel \(kernel[$0] ?? 0), here \(engine[$0] ?? 0)" })")
      if differences.isEmpty { agreed += 1 }
      counted.formUnion(engine.filter { $0.value > 0 }.keys)
    }
    print("the statistics of \(agreed) of \(Self.lines.count) scenarios agree with the kernel's")
    // Each was at least once more than nothing; what a full table counts is in `FullTableTests`.
    #expect(counted.isSuperset(of: ["found", "invalid", "icmp_error", "expect_new", "expect_create", "expect_delete"]), "\(counted)")
  }
}
