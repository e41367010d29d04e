import Diagnostics
import Documents
import Evaluator
import Extensions
import Foundation
import Kernel
import KernelLab
import Lab
import Scenarios
import Snapshots
import Synchronization
import TestSupport
import Testing
import XTables

/// Tables of nf_tables that are not iptables': the engine evaluates what a snapshot has of them, and the kernel says the same of every packet,
/// with the same rules in its traces.
@Suite(.asRoot, .needsTool("nft"), .serialized) struct NativeTableTests {
  /// A ruleset of nft(8), the rules of iptables beside it, and packets with their verdicts.
  struct Machine: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let nft: String
    var rules = ""
    let packets: [(step: String, verdict: String)]
  }

  private static let topology = #""topology": {"ifaces": {"eth0": ["10.0.0.1/24", "fd00::1/64"], "eth1": ["10.0.1.1/24", "fd01::1/64"]}}"#

  static func packet(
    _ proto: String, _ port: Int = 0, from source: String = "10.0.0.9", to destination: String = "10.0.0.1", _ more: String = ""
  )
    -> String
  {
    let ports = proto == "tcp" || proto == "udp" ? #", "sport": 1000, "dport": \#(port)"# : ""
    let flags = proto == "tcp" && !more.contains("flags") ? #", "flags": "S""# : ""
    return #"{"in": "eth0", "src": "\#(source)", "dst": "\#(destination)", "proto": "\#(proto)"\#(ports)\#(flags)\#(more)}"#
  }

  /// What a namespace with the ruleset has beside the rules of iptables, as a snapshot tells it.
  private static func load(_ nft: String) -> Snapshot? {
    // The program runs in the namespace of this thread.
    guard let pipe = unsafe popen("nft -f -", "w") else { return nil }
    unsafe fputs(nft, pipe)
    guard unsafe pclose(pipe) == 0 else { return nil }
    let inventory = RuleInventory(registry: .ferrule)
    let chains = inventory.unevaluated(by: .nft).filter { !$0.title.contains("ferrule-observer") }
    return HostSnapshot.take(
      connectionLimit: 0, registry: .ferrule, chains: chains, tables: inventory.nativeTables.filter { $0.name != "ferrule-observer" }
    ) { _ in nil }
  }

  private static func chains(_ snapshot: Snapshot) throws -> [OtherChain] {
    var only = Snapshot(clock: 0)
    (only.chains, only.tables) = (snapshot.chains, snapshot.tables)
    let file = SourceFile(name: "snapshot", bytes: Array(only.document.utf8))
    var host = HostDocument(registry: .ferrule)
    try host.read(
      try #require(
        try FileObject(
          try FileDocument(file).root(of: .host),
          FileShape(
            name: "", title: "",
            members: [
              FileShape.Member("host", .anything, ""), FileShape.Member("clock", .anything, ""),
            ]))["host"]))
    var scenario = Scenario(name: "")
    host.fill(&scenario)
    return scenario.otherChains
  }

  @Test(arguments: machines, [true, false]) func theKernelSaysTheSame(_ machine: Machine, usesNfTables: Bool) throws {
    let rules = machine.rules.isEmpty ? "" : #", "rules": \#(JSONValue.string(machine.rules).description)"#
    let line = "{\(Self.topology)\(rules), \"steps\": [\(machine.packets.map(\.step).joined(separator: ", "))]}"
    var scenario = try Scenario(line: line)
    scenario.usesNfTables = usesNfTables
    let snapshot = Mutex<Snapshot?>(nil)
    let theirs = KernelLab(registry: .ferrule).answer(scenario) {
      let found = Self.load(machine.nft)
      snapshot.withLock { $0 = found }
    }
    scenario.otherChains = try Self.chains(try #require(snapshot.withLock { $0 }, "nft refuses the ruleset"))
    var ours = LabEngine(registry: .ferrule).play(scenario)
    #expect(ours.error == nil && theirs.error == nil, "\(ours.error ?? "") \(theirs.error ?? "")")
    let verdicts = ours.steps.map { step in "\(step.verdict.kind.rawValue)\(step.verdict.by.map { " \($0)" } ?? "")" }
    #expect(verdicts == machine.packets.map(\.verdict))
    // With rules in ip_tables, only these are in the lab's traces.
    if !usesNfTables { ours.forgetNativeRules() }
    var differences = LabComparison(scenario).differences(theirs.json, ours.json, limit: 50)
    if !usesNfTables { differences.removeAll { $0.path.hasSuffix(".by") } }
    #expect(differences.isEmpty, "\(differences)")
  }

  /// Each statement writes what its rule or a later one tests. A test that is not known changes nothing of packets that fail a later one.
  @Test func statementsThatAreNotEvaluatedMakeTheirPacketsUnknown() throws {
    let nft = """
      table inet f { chain in { type filter hook input priority filter; policy drop;
        tcp dport 9012 meta mark set ip saddr map { 10.0.0.9 : 5 } meta mark 5 accept
        tcp dport 9016 ct mark set 7 ct mark 7 accept
        tcp dport 9017 ip ttl set 9 ip ttl 9 accept
        tcp dport 9018 ip dscp set cs1 ip dscp cs1 accept
        tcp dport 9021 ct mark set 7 ct mark 8 accept
        tcp dport 9021 ct mark 7 accept
        ip saddr 10.0.0.9 numgen random mod 1 0 tcp dport 9022 accept
        }
      }
      """
    let ports = [9012, 9016, 9017, 9018, 9021, 9022, 9023]
    let steps = ports.map { Self.packet("tcp", $0) }.joined(separator: ", ")
    var scenario = try Scenario(line: "{\(Self.topology), \"steps\": [\(steps)]}")
    let snapshot = Mutex<Snapshot?>(nil)
    let theirs = KernelLab(registry: .ferrule).answer(scenario) {
      let found = Self.load(nft)
      snapshot.withLock { $0 = found }
    }
    #expect(theirs.steps.map(\.verdict.kind.rawValue) == ["local", "local", "local", "local", "local", "local", "drop"])
    scenario.otherChains = try Self.chains(try #require(snapshot.withLock { $0 }, "nft refuses the ruleset"))
    let ours = LabEngine(registry: .ferrule).play(scenario)
    #expect(ours.steps.map(\.verdict.kind.rawValue) == ["unknown", "unknown", "unknown", "unknown", "unknown", "unknown", "drop"])
    let rules = try #require(snapshot.withLock { $0 }).tables[0].chains[0].rules.map { $0.text(in: .inet) }
    #expect(rules[1] == "tcp dport 9016 unknown \"the expression ct\" ct mark 0x7 accept")
    #expect(rules[6] == "ip saddr 10.0.0.9 unknown test \"the expression numgen\" tcp dport 9022 accept")
  }

  /// A rule that is printed is parsed again as the same rule.
  @Test(arguments: machines) func rulesAreReadFromTheirText(_ machine: Machine) throws {
    let snapshot = Mutex<Snapshot?>(nil)
    _ = KernelLab(registry: .ferrule).answer(try Scenario(line: "{\(Self.topology), \"steps\": []}")) {
      let found = Self.load(machine.nft)
      snapshot.withLock { $0 = found }
    }
    let tables = try #require(snapshot.withLock { $0 }).tables
    #expect(!tables.isEmpty)
    for table in tables {
      for rule in table.chains.flatMap(\.rules) {
        let text = rule.text(in: table.family)
        #expect(try NativeRule(text: text, in: table.family) == rule, "\(text)")
      }
      for set in table.sets.values {
        let text = set.text(in: table.family)
        #expect(try NativeSet(text: text, in: table.family).elements == set.elements, "\(text)")
      }
    }
  }
}

extension LabResult {
  /// Removes rules of tables that are not iptables' from the traces.
  fileprivate mutating func forgetNativeRules() {
    for step in steps.indices {
      for packet in steps[step].packets.indices { steps[step].packets[packet].trace.removeAll { $0.contains(" ") } }
    }
  }
}
