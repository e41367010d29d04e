import Diagnostics
import Extensions
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Compiled tables put into a kernel as they are.
@Suite(.asRoot) struct CompiledTablesTests {
  private static func parse(_ text: String, _ family: Family = .ipv4) throws -> Ruleset {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family).parse(
      SourceFile(name: "rules", bytes: Array(text.utf8)))
    try #require(parsed.diagnostics.isEmpty, "\(parsed.diagnostics.map(\.message))")
    return parsed.ruleset
  }

  private static func apply(_ ruleset: Ruleset, keepsCounters: Bool = false) throws(KernelError) {
    try LegacyTables().replace(ruleset.tables, keepsCounters: keepsCounters, comparison: .ferrule)
  }

  @Test func countersAreTheFilesOrNone() throws {
    let text = "*filter\n:INPUT DROP [3:300]\n:mine - [0:0]\n[1:100] -A INPUT -p tcp -j mine\n[2:200] -A mine -p udp -j ACCEPT\nCOMMIT\n"
    let ruleset = try Self.parse(text)
    let (kept, fresh) = try NetworkNamespace.onNewThread {
      try Self.apply(ruleset, keepsCounters: true)
      let kept = try output(of: "iptables-legacy-save", ["-c", "-t", "filter"])
      try Self.apply(ruleset)
      return (kept, try output(of: "iptables-legacy-save", ["-c", "-t", "filter"]))
    }
    for line in [":INPUT DROP [3:300]\n", "[1:100] -A INPUT -p tcp -j mine\n", "[2:200] -A mine -p udp -j ACCEPT\n"] {
      #expect(kept.contains(line), "\(kept)")
      #expect(!fresh.contains(line), "\(fresh)")
    }
    #expect(fresh.contains("[0:0] -A mine -p udp -j ACCEPT\n"), "\(fresh)")
  }

  /// The kernel keeps pointers and state of its own behind what it was given of these.
  @Test func whatTheKernelKeepsForItselfIsNotCompared() throws {
    let rules = [
      "-A INPUT -m limit --limit 5/sec -j ACCEPT", "-A INPUT -m statistic --mode nth --every 3 --packet 0 -j ACCEPT",
      "-A INPUT -m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name h -j ACCEPT",
      "-A INPUT -m quota --quota 1000 -j ACCEPT", "-A INPUT -m recent --set --name r", "-A INPUT -m connlimit --connlimit-above 3 -j DROP",
      "-A INPUT -m string --algo bm --string abc -j DROP", "-A INPUT -j LOG", "-A INPUT -m conntrack --ctstate NEW -j REJECT",
    ]
    let ruleset = try Self.parse("*filter\n\(rules.joined(separator: "\n"))\nCOMMIT\n")
    try NetworkNamespace.onNewThread { try Self.apply(ruleset) }
  }

  @Test func aRefusedTableSetsTheEarlierOnesBack() throws {
    let before = try Self.parse("*filter\n:INPUT DROP [5:55]\n:mine - [0:0]\n[7:77] -A INPUT -j mine\nCOMMIT\n")
    // The kernel has no such helper; nothing else of the rules is wrong.
    let after = try Self.parse(
      "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n*raw\n-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -p tcp -j CT --helper nosuch\nCOMMIT\n")
    let (error, witness) = try NetworkNamespace.onNewThread {
      try Self.apply(before, keepsCounters: true)
      var refusal: KernelError?
      do throws(KernelError) { try Self.apply(after) } catch { refusal = error }
      return (refusal, try output(of: "iptables-legacy-save", ["-c", "-t", "filter"]))
    }
    let refusal = try #require(error)
    #expect(refusal.reason == .refused && refusal.table == "raw" && refusal.notRestored.isEmpty, "\(refusal)")
    #expect(refusal.rule == RuleReference(chain: "PREROUTING", rule: 2), "\(refusal)")
    #expect(witness.contains(":INPUT DROP [5:55]\n") && witness.contains("[7:77] -A INPUT -j mine\n"), "\(witness)")
  }
}
