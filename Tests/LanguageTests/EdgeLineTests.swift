import Compiler
import Diagnostics
import Extensions
import Foundation
import Grammar
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Lines with one argument at the edge of what its reader takes end and load as they do with the real iptables.
///
/// Each line is loaded by itself, by iptables-legacy-restore into the kernel and by Ferrule, and the exit statuses are compared; of
/// the lines that both take, what the kernel gives back is compared with what Ferrule compiles.
/// `FERRULE_EDGE_LINES=N` draws N lines a family; `FERRULE_SEED=S` draws others.
@Suite(.enabled(if: LegacyTool.absence == nil, "\(LegacyTool.absence ?? "")")) struct EdgeLineTests {
  static let count = ProcessInfo.processInfo.environment["FERRULE_EDGE_LINES"].flatMap { Int($0) } ?? 1500

  struct Line: Sendable {
    let table: TableName
    let text: String
    /// The rule needs an object or a module that a machine may lack, so that only what `--test` says of it is compared.
    var isOnlyRead: Bool {
      [
        "-j LED", "-j ULOG", "-m ipvs", "-j SECMARK", "-j CONNSECMARK", "-m nfacct", "-m rateest", "--path", "-j CT", "-m set", "-j SET",
        "--object-pinned",
      ]
      .contains { text.contains($0) }
    }
    var ruleset: String { "*\(table.rawValue)\n\(text)\nCOMMIT\n" }
  }

  /// A line that both take, and what Ferrule compiles it to.
  struct Taken: Sendable {
    let line: Line
    let chain: String
    let rules: [Rule]
  }

  /// How a line fared: the exit status, and the first complaint.
  struct Outcome: Sendable {
    let status: Int
    let message: String
  }

  @Test(arguments: [Family.ipv4, .ipv6]) func theyEndAndLoadTheSame(_ family: Family) throws {
    var generator = SentenceGenerator(
      registry: .ferrule, family: family, seed: GrammarTests.seed, vocabulary: try LegacyTool.vocabulary(family))
    let lines = (0..<Self.count).map { _ in
      let (table, text) = generator.edgeRule()
      return Line(table: table, text: text)
    }.filter { !$0.text.contains("--object-pinned") }
    var disagreements: [String] = []
    var taken: [Taken] = []
    for (line, first) in zip(lines, try Self.real(lines, family)) {
      let (ours, chain) = Self.ours(line, family)
      // What the line before has left in the kernel may be why; alone it has none.
      let real = ours.status == first.status ? first : try Self.real([line], family).first ?? first
      // Where iptables dies of its own arithmetic there is nothing to do as it does; Docs/Differences.md names the values.
      if real.status >= 128, ours.status == 2 { continue }
      if ours.status != real.status {
        disagreements.append("\(line.text)\n      Ferrule: \(ours.status) \(ours.message)\n      iptables: \(real.status) \(real.message)")
      } else if let chain {
        taken.append(Taken(line: line, chain: chain.name, rules: chain.rules))
      }
    }
    let statuses = disagreements.count
    for table in TableName.allCases {
      disagreements += try Self.otherwiseLoaded(taken.filter { $0.line.table == table }, table, family)
    }
    print(
      "\(family): seed \(GrammarTests.seed), \(lines.count) lines, \(taken.count) taken by both, \(statuses) statuses and \(disagreements.count - statuses) blobs differ"
    )
    for disagreement in disagreements.prefix(100) { print("  \(disagreement)") }
    #expect(disagreements.isEmpty)
    #expect(taken.count > lines.count / 10)
  }

  // MARK: Ours

  static func ours(_ line: Line, _ family: Family) -> (outcome: Outcome, chain: Chain?) {
    let parsed = GrammarTests.parse(line.ruleset, family)
    let errors = parsed.diagnostics.filter { $0.severity == .error }
    if let error = errors.first { return (Outcome(status: error.legacyStatus == .parameterProblem ? 2 : 1, message: error.message), nil) }
    guard let table = parsed.ruleset.tables.first else { return (Outcome(status: 0, message: ""), nil) }
    if line.isOnlyRead { return (Outcome(status: 0, message: ""), nil) }
    if let refusal = TableValidator().diagnostics(for: table).first(where: { $0.severity == .error }) {
      return (Outcome(status: 1, message: refusal.message), nil)
    }
    return (Outcome(status: 0, message: ""), table.chains.first { !$0.rules.isEmpty })
  }

  // MARK: Theirs

  /// Names come from files only, so that no line waits for a name server.
  private static let namesFromFiles = """
    for base in hosts networks protocols services passwd group; do echo $base: files; done >nsswitch
    mount --bind nsswitch /etc/nsswitch.conf; export XTABLES_LOCKFILE=$PWD/lock

    """

  private static func inFolder<Result>(_ work: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-edges-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try work(folder)
  }

  private static func program(_ family: Family) -> String { family == .ipv4 ? "iptables-legacy-restore" : "ip6tables-legacy-restore" }

  /// What iptables-restore leaves with for each line, loaded by itself.
  private static func real(_ lines: [Line], _ family: Family) throws -> [Outcome] {
    try inFolder { folder in
      for (index, line) in lines.enumerated() { try Data(line.ruleset.utf8).write(to: folder.appending(path: "\(index)")) }
      let script = lines.enumerated().map { index, line in
        "\(program(family)) \(line.isOnlyRead ? "--test" : "") \(index) >/dev/null 2>\(index).errors; echo $? >>statuses\n"
      }.joined()
      try Data((namesFromFiles + script).utf8).write(to: folder.appending(path: "script"))
      _ = try HostProcess.run("unshare", ["-n", "-m", "sh", "script"], directory: folder.path)
      let statuses = try String(contentsOf: folder.appending(path: "statuses"), encoding: .utf8).split(separator: "\n").compactMap {
        Int($0)
      }
      return statuses.enumerated().map { index, status in
        let said = (try? Data(contentsOf: folder.appending(path: "\(index).errors"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return Outcome(status: status, message: said.split(separator: "\n").first.map(String.init) ?? "")
      }
    }
  }

  /// The lines that iptables puts into the kernel as other bytes.
  private static func otherwiseLoaded(_ lines: [Taken], _ table: TableName, _ family: Family) throws -> [String] {
    try stride(from: 0, to: lines.count, by: 100).flatMap { start in
      try otherwiseLoaded(lines[start..<min(start + 100, lines.count)], table, family)
    }
  }

  /// Halves lines that differ together until one is left, each time in a namespace that no line has been loaded into.
  ///
  /// Labels of IDLETIMER belong to all namespaces: one that another test or a namespace on its way out holds is refused to both, so
  /// that a line which neither can load is tried again.
  private static func otherwiseLoaded(
    _ lines: ArraySlice<Taken>, _ table: TableName, _ family: Family, attempts: Int = 10
  ) throws -> [String] {
    guard let one = lines.first else { return [] }
    let (ours, theirs) = try loaded(lines, table, family)
    if lines.count == 1, theirs == nil, attempts > 1, try ours.entriesWithoutKernelState(of: one.chain, registry: .ferrule).isEmpty {
      Thread.sleep(forTimeInterval: 0.5)
      return try otherwiseLoaded(lines, table, family, attempts: attempts - 1)
    }
    let isSame = try Set(lines.map(\.chain)).allSatisfy { chain in
      let rules = try ours.entriesWithoutKernelState(of: chain, registry: .ferrule)
      return try !rules.isEmpty && rules == theirs?.entriesWithoutKernelState(of: chain, registry: .ferrule)
    }
    if isSame { return [] }
    if lines.count == 1 {
      let bytes = { (table: TableBlob?) in
        try (table?.entriesWithoutKernelState(of: one.chain, registry: .ferrule) ?? []).map { Hex.string($0) }
          .joined(separator: "\n          ")
      }
      return ["\(one.line.text)\n   ours   \(try bytes(ours))\n   theirs \(try bytes(theirs))"]
    }
    let middle = lines.startIndex + lines.count / 2
    return try otherwiseLoaded(lines[..<middle], table, family) + otherwiseLoaded(lines[middle...], table, family)
  }

  /// What the kernel gives back of the lines as Ferrule and as iptables load them: it changes some of what it is given.
  private static func loaded(
    _ lines: ArraySlice<Taken>, _ table: TableName, _ family: Family
  ) throws -> (ours: TableBlob, theirs: TableBlob?) {
    let text = "*\(table.rawValue)\n" + lines.map { $0.line.text + "\n" }.joined() + "COMMIT\n"
    var wanted = Table(table, family)
    for (chain, lines) in Dictionary(grouping: lines, by: \.chain) {
      if let index = wanted.index(of: chain) { wanted.update(at: index) { $0.rules = lines.flatMap(\.rules) } }
    }
    let whole = wanted
    let ours = try NetworkNamespace.onNewThread {
      try? LegacyTables().replace([whole])
      return try LegacyTables().table(family, table)
    }
    return try inFolder { folder in
      let path = folder.path
      try Data(text.utf8).write(to: folder.appending(path: "rules"))
      let theirs = try NetworkNamespace.onNewThread {
        let answer = try HostProcess.run("unshare", ["-m", "sh", "-c", namesFromFiles + program(family) + " rules"], directory: path)
        return answer.status == 0 ? try LegacyTables().table(family, table) : nil
      }
      return (ours, theirs)
    }
  }
}
