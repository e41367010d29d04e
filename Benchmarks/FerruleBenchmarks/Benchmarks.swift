import Benchmark
import Compiler
import Diagnostics
import Evaluator
import Extensions
import Kernel
import RulesetSamples
import Scenarios
import Syntax
import Wire
import XTables

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = Benchmark.Configuration(
    metrics: [.wallClock, .throughput, .peakMemoryResident], warmupIterations: 1, maxDuration: .seconds(3), maxIterations: 100_000)

  for count in [1_000, 10_000, 100_000] {
    Benchmark("read and compile, \(count) rules") { benchmark in
      let file = SourceFile(name: "sample", bytes: Array(RulesetSample.common.text(rules: count).utf8))
      let parser = RulesetParser(registry: .ferrule, names: .system, family: .ipv4)
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations {
        for table in parser.parse(file).ruleset.tables {
          precondition(TableValidator().diagnostics(for: table).isEmpty)
          blackHole(TableCompiler().compile(table))
        }
      }
    }
  }

  for count in [10, 1_000, 10_000] {
    Benchmark("a packet past \(count) rules") { benchmark in
      let simulator = gateway(rules: count)
      let fields = PacketFields(.v4(IPv4Address(rawValue: 0xC000_0207)), .v4(IPv4Address(rawValue: 0xC633_6409)), proto: .icmp)
      let packet = try fields.packet()
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations { blackHole(simulator.receive(packet, on: "eth0")) }
    }
  }
}

/// A router with a sample's rules, that keeps no trace.
private func gateway(rules count: Int) -> Simulator {
  do {
    let host = try Host(
      yaml: SourceFile(
        name: "host",
        bytes: Array(
          """
          interfaces: {eth0: {addresses: [192.0.2.1/24]}, eth1: {addresses: [198.51.100.1/24]}}
          routes: []
          sysctls: {net.ipv4.ip_forward: 1}
          """.utf8)))
    let file = SourceFile(name: "sample", bytes: Array(RulesetSample.common.text(rules: count).utf8))
    let ruleset = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file).ruleset
    let simulator = try Simulator(host: host, rulesets: [ruleset])
    simulator.recordsTrace = false
    return simulator
  } catch {
    preconditionFailure("the sample cannot be loaded: \(error)")
  }
}
