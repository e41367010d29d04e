import Compiler
import Conntrack
import Diagnostics
import Evaluator
import Extensions
import PacketLoads
import RulesetSamples
import Syntax
import Wire
import XTables

/// The pieces of work whose instructions are counted. Each is what a command does over and over.
enum Kernel: String, CaseIterable {
  /// One of 1,000 rules from text.
  case parse
  /// One of 1,000 rules to the kernel's structures.
  case compile
  /// A packet past 1,000 rules that do not match.
  case rules
  /// A packet of one of 1,000 connections.
  case established
  /// The first packet of a connection.
  case flow

  var title: String {
    switch self {
    case .parse: "a rule from text"
    case .compile: "a rule to the kernel's structures"
    case .rules: "a packet past 1,000 rules"
    case .established: "a packet of one of 1,000 connections"
    case .flow: "the first packet of a connection"
    }
  }

  /// How many pieces of work are done in each round.
  var pieces: Int {
    switch self {
    case .parse, .compile: 1000
    case .rules, .established, .flow: 2000
    }
  }

  /// Prepares the work, which takes the same number of instructions for any number of rounds, and does it.
  func run(rounds: Int) throws {
    switch self {
    case .parse:
      let file = Self.sample
      for _ in 0..<rounds { precondition(Self.parsed(file).ruleset.tables.count == 1) }
    case .compile:
      let tables = Self.parsed(Self.sample).ruleset.tables
      for _ in 0..<rounds { precondition(!TableCompiler().compile(tables[0]).entries.isEmpty) }
    case .rules:
      var rules = try MixedRules(rules: 1000, indexing: .always)
      rules.pass(packets: 100)
      for _ in 0..<rounds { rules.pass(packets: pieces) }
    case .established:
      let gateway = try Gateway(maximum: 2_000_000)
      var traffic = try Traffic(flows: 1000)
      for flow in 0..<1000 { open(gateway, &traffic, flow) }
      for _ in 0..<rounds { exchange(gateway, &traffic, flows: 1000, packets: pieces) }
    case .flow:
      let gateway = try Gateway(maximum: 2_000_000)
      var traffic = try Traffic(flows: rounds * pieces)
      for flow in 0..<(rounds * pieces) {
        traffic.makeRequest(flow, flags: .syn)
        pass(gateway, &traffic.request, on: gateway.inner)
      }
    }
  }

  private static var sample: SourceFile {
    SourceFile(name: "sample", bytes: Array(RulesetSample.common.text(rules: 1000).utf8))
  }

  private static func parsed(_ file: SourceFile) -> ParsedRuleset {
    RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file)
  }
}
