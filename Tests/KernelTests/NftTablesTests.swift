import Compiler
import Diagnostics
import Extensions
import FoundationEssentials
import Glibc
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// The tables of iptables in nf_tables, with the real iptables-nft as the witness.
@Suite(.asRoot, .needsTool("iptables-nft"), .needsTool("nft"), .serialized) struct NftTablesTests {
  private static func prefix(_ family: Family) -> String { family == .ipv4 ? "iptables" : "ip6tables" }

  /// Runs work in a network namespace of its own and hands it a folder for files.
  private static func inNamespace<Result: Sendable>(_ work: @escaping @Sendable (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-nft-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try NetworkNamespace.onNewThread { try work(folder) }
  }

  /// The lines of iptables-save text that are no comments.
  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
  }

  private static func saved(_ family: Family) throws -> [String] {
    lines(try output(of: "sh", ["-c", "\(prefix(family))-nft-save -c 2>/dev/null"]))
  }

  /// What Ferrule prints of the tables in nf_tables, and what it calls native.
  private static func ours(_ family: Family) throws -> (lines: [String], natives: [String]) {
    let found = NftIptables(try #require(try NftReader.read()), family, registry: .ferrule)
    let printer = RulePrinter(family: family, names: .system)
    let text = found.tables.flatMap { printer.table($0, counters: true) }
    let printed = RuleInventory(registry: .ferrule, printer: Lines(printer: printer)).iptables[family]?.printed ?? [:]
    for table in found.tables where !found.natives.contains(where: { $0.table == table.name }) {
      for chain in table.chains {
        var lines = printer.emptyText
        for rule in chain.rules { printer.append(rule, after: Array("-A".utf8), counters: true, to: &lines) }
        #expect((printed[table.name]?[chain.name]?.text ?? printer.emptyText).string == lines.string)
      }
    }
    return (lines(String(decoding: text, as: UTF8.self)), found.natives.map(\.description))
  }

  /// Prints the rules of a family while they are read.
  private struct Lines: RuleLinePrinter {
    let printer: RulePrinter
    var family: Family { printer.family }
    let table: TableName? = nil
    var text: RuleText { printer.emptyText }
    func command(_ chain: String) -> [UInt8] { Array("-A".utf8) }
    func print(_ rule: Rule, _ command: [UInt8], to text: inout RuleText) {
      printer.append(rule, after: command, counters: true, to: &text)
    }

    func print(_ native: NftIptables.NativeObject, to text: inout RuleText) {}
  }

  /// The expressions of all rules as nft(8) shows them, without the handles, sorted because the order in which chains were made differs.
  private static func expressions() throws -> [String] {
    let listing = try output(of: "sh", ["-c", "nft --debug=netlink list ruleset 2>/dev/null"])
    var rules: [String] = []
    for line in listing.split(separator: "\n") {
      if line.hasPrefix("ip ") || line.hasPrefix("ip6 ") {
        rules.append(line.split(separator: " ").prefix(3).joined(separator: " "))
      } else if line.hasPrefix("  ["), !rules.isEmpty {
        rules[rules.count - 1] += "\n\(line)"
      }
    }
    return rules.sorted()
  }

  // MARK: The corpus

  private struct Corpus: Sendable {
    let name: String
    let path: String
    let family: Family
  }

  private static func corpus() throws -> [Corpus] {
    let rulesets = SharedFolder.path + "/rulesets"
    var found = try FileManager.default.contentsOfDirectory(atPath: rulesets).filter { $0.hasSuffix("tables-save") }.sorted().map {
      Corpus(name: $0, path: "\(rulesets)/\($0)", family: $0.contains("ip6tables") ? .ipv6 : .ipv4)
    }
    let examples = PackageFolder.path + "/Examples"
    for folder in try FileManager.default.contentsOfDirectory(atPath: examples).sorted() {
      for (name, family) in [("ruleset.rules", Family.ipv4), ("ruleset.ip6tables-save", .ipv6)] {
        let path = "\(examples)/\(folder)/\(name)"
        if FileManager.default.fileExists(atPath: path) { found.append(Corpus(name: "\(folder)/\(name)", path: path, family: family)) }
      }
    }
    return found
  }

  @Test(.needsSharedFolder) func everyRulesetIsReadAndWrittenAsByIptablesNft() throws {
    let corpus = try Self.corpus()
    #expect(corpus.count > 54)
    var count = 0
    for item in corpus {
      let real = try Self.inNamespace { _ in
        let status = try HostProcess.run("sh", ["-c", "\(Self.prefix(item.family))-nft-restore -c < \(item.path) 2>/dev/null"]).status
        return (status, try Self.saved(item.family), try Self.ours(item.family), try Self.expressions())
      }
      #expect(real.2.lines == real.1 && real.2.natives.isEmpty, "\(item.name) reads otherwise: \(real.2.natives)")
      guard real.0 == 0 else { continue }
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: item.path)))
      let parser = RulesetParser(registry: .ferrule, names: .system, family: item.family)
      let wanted = parser.parse(SourceFile(name: item.name, bytes: bytes)).ruleset.tables.map { TableCompiler().compile($0) }
      let own = try Self.inNamespace { _ in
        try NftTables(registry: .ferrule).replace(wanted, ReplaceOptions(keepsCounters: true))
        return (try Self.saved(item.family), try Self.expressions())
      }
      #expect(own.0 == real.1, "\(item.name): iptables-nft-save prints another ruleset")
      #expect(own.1 == real.3, "\(item.name): other expressions")
      count += 1
    }
    print("\(count) of \(corpus.count) rulesets are loaded with the same expressions; the real tool refuses the others")
    #expect(count > 54)
  }

  /// Every rule of upstream's tests that the real tool loads; prints a table by extension.
  @Test(.needsSharedFolder) func everyUpstreamRuleIsReadAsByIptablesNft() throws {
    let rows = try SharedFolder.text("conformance/golden-entries-1.8.9.tsv").split(separator: "\n").dropFirst().map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    var total = (rules: 0, same: 0)
    var other: Set<String> = []
    for (key, group) in Dictionary(grouping: rows, by: { "\($0[0]) \($0[2])" }).sorted(by: { $0.key < $1.key }) {
      let family: Family = group[0][2] == "iptables" ? .ipv4 : .ipv6
      let (real, own, natives) = try Self.inNamespace { folder in
        for (number, row) in group.enumerated() {
          try "*\(row[3])\n-A \(row[4]) \(row[5])\nCOMMIT\n".write(toFile: "\(folder)/\(number)", atomically: false, encoding: .utf8)
        }
        let script = "cd \(folder); i=0; while [ $i -lt \(group.count) ]; do \(Self.prefix(family))-nft-restore -n < $i; i=$((i+1)); done"
        _ = try HostProcess.run("sh", ["-c", script])
        let own = try Self.ours(family)
        return (try Self.saved(family), own.lines, own.natives)
      }
      let rules = real.filter { $0.contains("-A ") }
      let same = Set(own).intersection(rules).count
      total.rules += Set(rules).count
      total.same += same
      print("\(key): \(group.count) rules of upstream, \(rules.count) loaded, \(natives.count) native")
      if own != real { other.insert(group[0][0]) }
    }
    print("upstream: \(total.same) of \(total.rules) different rules print the same")
    // nf_tables holds log prefixes that are longer than the structure of NFLOG: they are shown as native rules.
    #expect(other == ["libxt_NFLOG.t"])
    #expect(total.rules > 800 && total.rules - total.same <= 6)
  }

  // MARK: Transactions

  private static func blobs(_ text: String, _ family: Family) throws -> [TableBlob] {
    try tables(text, family).map { TableCompiler().compile($0) }
  }

  @Test func tablesOfBothFamiliesAreReplacedTogetherOrNotAtAll() throws {
    let before = try Self.blobs("*filter\n-A INPUT -s 10.0.0.1/32 -j DROP\nCOMMIT\n", .ipv4)
    let sound = try Self.blobs("*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", .ipv4)
    // The kernel refuses TTL outside of mangle: the second rule of the chain.
    let refused = try Self.blobs("*filter\n-A FORWARD\n-A FORWARD -j HL --hl-set 5\nCOMMIT\n", .ipv6)
    let (error, four, six) = try Self.inNamespace { _ in
      let kernel = NftTables(registry: .ferrule)
      try kernel.replace(before, ReplaceOptions())
      var refusal: KernelError?
      do throws(KernelError) { try kernel.replace(sound + refused, ReplaceOptions()) } catch { refusal = error }
      return (refusal, try Self.saved(.ipv4), try Self.saved(.ipv6))
    }
    #expect(
      error?.family == .ipv6 && error?.table == "filter" && error?.rule == RuleReference(chain: "FORWARD", rule: 2), "\(error as Any)")
    #expect(four.contains("[0:0] -A INPUT -s 10.0.0.1/32 -j DROP") && !four.contains("*nat") && six.isEmpty)
  }

  /// Another program changes the ruleset all the time: each apply is whole.
  @Test func aChangedGenerationIsReadAgain() throws {
    let wanted = try Self.blobs("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", .ipv4)
    let saved = try Self.inNamespace { folder in
      let loop = "while [ -e \(folder)/on ]; do nft add table ip other; nft delete table ip other; done"
      try "".write(toFile: "\(folder)/on", atomically: false, encoding: .utf8)
      _ = try HostProcess.run("sh", ["-c", "(\(loop)) >/dev/null 2>&1 &"])
      defer { try? FileManager.default.removeItem(atPath: "\(folder)/on") }
      for _ in 0..<30 {
        try NftTables(registry: .ferrule).replace(wanted, ReplaceOptions())
        _ = try NftReader.read()
      }
      return try Self.saved(.ipv4)
    }
    #expect(saved.contains("[0:0] -A INPUT -j ACCEPT"))
  }

  @Test(arguments: [
    ("native rule (handle 3): iptables has no form of the expression ct", "nft add rule ip filter INPUT ct state new accept"),
    ("a set, map, object or flow table named `s'", "nft 'add set ip filter s { type ipv4_addr; }'"),
    ("a base chain that is not one of iptables", "nft 'add chain ip filter early { type filter hook input priority -5; }'"),
  ]) func whatIsNotOfIptablesStopsTheReplacement(_ told: String, _ command: String) throws {
    let wanted = try Self.blobs("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", .ipv4)
    let (error, before, after) = try Self.inNamespace { _ in
      _ = try HostProcess.run("sh", ["-c", "iptables-nft -A INPUT -j DROP; \(command)"])
      let before = try output(of: "nft", ["list", "ruleset"])
      var refusal: KernelError?
      do throws(KernelError) { try NftTables(registry: .ferrule).replace(wanted, ReplaceOptions()) } catch { refusal = error }
      return (refusal, before, try output(of: "nft", ["list", "ruleset"]))
    }
    #expect(error?.description.contains(told) == true, "\(error as Any)")
    #expect(before == after)
  }

  /// Rules added by nft(8) that iptables can express are rules of the table.
  @Test func rulesOfNftAreReadWhereIptablesCanExpressThem() throws {
    let (lines, natives) = try Self.inNamespace { _ in
      let rules = [
        "tcp dport 22 accept", "ip saddr 10.0.0.0/9 udp sport 1-9 counter drop", "iifname \"eth*\" icmp type echo-request return",
      ]
      let script = rules.map { "nft 'add rule ip filter INPUT \($0)'" }.joined(separator: "; ")
      _ = try HostProcess.run("sh", ["-c", "iptables-nft -P FORWARD DROP; iptables-nft -A INPUT; \(script)"])
      return try Self.ours(.ipv4)
    }
    #expect(natives.isEmpty)
    #expect(
      lines.filter { $0.contains("-A ") } == [
        "[0:0] -A INPUT", "[0:0] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
        "[0:0] -A INPUT -s 10.0.0.0/9 -p udp -m udp --sport 1:9 -j DROP", "[0:0] -A INPUT -i eth+ -p icmp -m icmp --icmp-type 8 -j RETURN",
      ])
    #expect(lines.contains(":FORWARD DROP [0:0]"))
  }

  // MARK: Damage

  @Test func aDamagedAnswerIsNoRuleset() throws {
    var chain = NetlinkMessage(subsystem: 10, 3, family: 1)
    chain.add(1, text: "t")
    chain.add(3, text: "c")
    var assembly = NftAssembly(generation: 1)
    // The table of the chain has not been seen: it was made between two dumps.
    let isRead = assembly.add(chain)
    #expect(isRead && !assembly.isComplete)
    var cut = chain
    cut.body.removeLast(3)
    for damaged in [cut, NetlinkMessage(subsystem: 10, 3, family: 1), NetlinkMessage(type: 1)] {
      let isRead = assembly.add(damaged)
      #expect(!isRead)
    }
    let bytes = chain.bytes
    #expect(NetlinkMessage.wholeMessages(in: bytes, upTo: bytes.count) == [chain])
    #expect(NetlinkMessage.wholeMessages(in: bytes, upTo: bytes.count - 4) == nil)
    #expect(NetlinkMessage.wholeMessages(in: bytes + [1, 0, 0, 0], upTo: bytes.count + 4) == nil)
  }
}
