import Benchmark
import Compiler
import Diagnostics
import Evaluator
import Extensions
import Kernel
import Lab
import RulesetSamples
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

  // What issue 5 asks for: under 2 s.
  Benchmark("1000 tests of 20 packets") { benchmark in
    let file = SourceFile(name: "suite.yaml", bytes: Array(suite(tests: 1000).utf8))
    let runner = TestRunner(registry: .ferrule)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      let result = runner.run([ScenarioFile.read(file, registry: .ferrule, loader: .none)])[0]
      precondition(result.count(.passed) == 1000)
    }
  }
}

/// Tests of a gateway: connections out, and in by a translated port.
private func suite(tests: Int) -> String {
  var text = """
    rules: |
      *nat
      :PREROUTING ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      -A PREROUTING -i wan -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.80:80
      -A POSTROUTING -o wan -j MASQUERADE
      COMMIT
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -i lan -o wan -j ACCEPT
      -A FORWARD -d 10.0.0.80/32 -i wan -p tcp -m conntrack --ctstate DNAT -j ACCEPT
      COMMIT
    host:
      interfaces: {wan: [203.0.113.5/24], lan: [10.0.0.1/24]}
      routes: [default via 203.0.113.1 dev wan]
    tests:

    """
  for test in 0..<tests {
    text += "  - name: test \(test)\n    steps:\n"
    for step in 0..<10 {
      text += "      - lan tcp 10.0.0.\(2 + test % 70):\(1000 + step) > 198.51.100.7:80 S => sent wan\n"
      text += "      - wan tcp 198.51.100.7:\(2000 + step) > 203.0.113.5:8080 S => sent lan\n"
    }
  }
  return text
}

/// A router with a sample's rules, that keeps no trace.
private func gateway(rules count: Int) -> Simulator {
  do {
    let host = try Host(
      yaml: """
        interfaces: {eth0: {addresses: [192.0.2.1/24]}, eth1: {addresses: [198.51.100.1/24]}}
        routes: []
        sysctls: {net.ipv4.ip_forward: 1}
        """)
    let file = SourceFile(name: "sample", bytes: Array(RulesetSample.common.text(rules: count).utf8))
    let ruleset = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file).ruleset
    let simulator = try Simulator(host: host, rulesets: [ruleset])
    simulator.recordsTrace = false
    return simulator
  } catch {
    preconditionFailure("the sample cannot be loaded: \(error)")
  }
}
