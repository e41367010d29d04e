import Compiler
import Extensions
import Glibc
import Kernel
import Synchronization
import TestSupport
import Testing
import Wire
import XTables

/// Calls of nf_tables of which one fails once, or one reading of the ruleset lacks a rule.
private final class FaultyNftCalls: NftCalls {
  enum Fault: CaseIterable {
    /// The call is not made.
    case before
    /// The call is made, and its answer is lost.
    case after
    /// The kernel refuses the transaction. Reading fails as with `before`.
    case refusal
    /// Reading gives a ruleset in which a rule is missing.
    case missingRule
  }

  private let kernel = KernelNftCalls()
  private let count = Mutex(0)
  private let full = Mutex(0)
  private let failing: Int
  private let fault: Fault
  private let error: SystemError
  private let echoes: Bool

  /// - Parameters:
  ///   - failing: the number of the call that fails, from 0.
  ///   - echoes: false if the kernel sends back no rules.
  init(failing: Int, _ fault: Fault = .before, with number: Int32 = 0, echoes: Bool = true) {
    (self.failing, self.fault, error, self.echoes) = (failing, fault, SystemError(number: number), echoes)
  }

  /// The number of calls so far.
  var calls: Int { count.withLock { $0 } }
  /// The number of calls that read rules.
  var fullReadings: Int { full.withLock { $0 } }

  private func isFailing() -> Bool {
    count.withLock { count in
      count += 1
      return count - 1 == failing
    }
  }

  private var failure: KernelError { KernelError(.call("talking to nf_tables"), error: error) }

  func ruleset() throws(KernelError) -> NftRuleset {
    full.withLock { $0 += 1 }
    return try distorted { () throws(KernelError) in try kernel.ruleset() }
  }

  func ruleset(at generation: UInt32, hasRules: Bool) throws(KernelError) -> NftRuleset? {
    if hasRules { full.withLock { $0 += 1 } }
    // The transactions of this program are the only ones: the generation is known.
    return try distorted { () throws(KernelError) in
      guard let ruleset = try kernel.ruleset(at: generation, hasRules: hasRules) else { throw KernelError(.changedMeanwhile) }
      return ruleset
    }
  }

  func canEcho(rules: Int, size: Int) -> Bool { echoes && kernel.canEcho(rules: rules, size: size) }

  private func distorted(_ read: () throws(KernelError) -> NftRuleset) throws(KernelError) -> NftRuleset {
    guard isFailing() else { return try read() }
    if fault == .before || fault == .refusal { throw failure }
    var ruleset = try read()
    if fault == .after { throw failure }
    for table in ruleset.tables.indices {
      for chain in ruleset.tables[table].chains.indices where !ruleset.tables[table].chains[chain].rules.isEmpty {
        ruleset.tables[table].chains[chain].rules.removeLast()
        return ruleset
      }
      for chain in ruleset.tables[table].chains.indices where ruleset.tables[table].chains[chain].uses > 0 {
        ruleset.tables[table].chains[chain].uses -= 1
        return ruleset
      }
    }
    return ruleset
  }

  func commit(
    _ batch: [UInt8], last: UInt32, echo: (NetlinkMessage) -> Void
  ) throws(KernelError) -> (error: SystemError, sequence: UInt32)? {
    guard isFailing() else { return try kernel.commit(batch, last: last, echo: echo) }
    switch fault {
    case .before: throw failure
    case .refusal: return (error, 2)
    case .after:
      _ = try kernel.commit(batch, last: last, echo: echo)
      throw failure
    case .missingRule:
      // The last echo is that of a rule: it does not arrive.
      var waiting: NetlinkMessage?
      return try kernel.commit(batch, last: last) { message in
        if let waiting { echo(waiting) }
        waiting = message
      }
    }
  }
}

/// Calls of nf_tables before each of whose first transactions another program adds a rule.
private final class DisturbedNftCalls: NftCalls {
  private let kernel = KernelNftCalls()
  private let transactions = Mutex(0)
  static let disturbances = 3

  func ruleset() throws(KernelError) -> NftRuleset { try kernel.ruleset() }

  func ruleset(at generation: UInt32, hasRules: Bool) throws(KernelError) -> NftRuleset? {
    try kernel.ruleset(at: generation, hasRules: hasRules)
  }

  func canEcho(rules: Int, size: Int) -> Bool { kernel.canEcho(rules: rules, size: size) }

  func commit(
    _ batch: [UInt8], last: UInt32, echo: (NetlinkMessage) -> Void
  ) throws(KernelError) -> (error: SystemError, sequence: UInt32)? {
    let number = transactions.withLock { number in
      number += 1
      return number
    }
    if number <= Self.disturbances {
      do { _ = try HostProcess.run("iptables-nft", ["-A", "f2b-x", "-s", "10.0.0.\(number)", "-j", "DROP"]) } catch {
        Issue.record("\(error)")
      }
    }
    return try kernel.commit(batch, last: last, echo: echo)
  }
}

/// Changes of nf_tables in which something goes wrong.
@Suite(.asRoot, .serialized) struct NftFaultTests {
  private static func replace(_ tables: [TableBlob], _ calls: FaultyNftCalls, _ state: StateDirectory?) -> KernelError? {
    do throws(KernelError) { try NftTables(registry: .ferrule, calls: calls).replace(tables, ReplaceOptions(recordedIn: state)) } catch {
      return error
    }
    return nil
  }

  /// Each call fails once, in each way and with each error: the tables are the old ones or the new ones, as the outcome says.
  @Test(arguments: [EAGAIN, ERESTART, ENOBUFS, EPERM, ETIMEDOUT])
  func whicheverCallFailsTheTablesAreWhole(_ number: Int32) throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let (state, kernel) = (StateDirectory(path), NftTables(registry: .ferrule))
      let sender = try LoopbackSender()
      defer { sender.close() }
      try kernel.replace(old, ReplaceOptions(recordedIn: nil))
      let counter = FaultyNftCalls(failing: -1)
      #expect(Self.replace(new, counter, state) == nil)
      // The ruleset is read, changed, and read back.
      try #require(counter.calls == 3)
      let isAgain = [EAGAIN, ERESTART, ENOBUFS, EINTR].contains(number)
      var (refused, sent) = (0, UInt64(0))
      for call in 0..<counter.calls {
        for fault in [FaultyNftCalls.Fault.before, .after, .refusal] {
          try kernel.replace(old, ReplaceOptions(recordedIn: nil))
          sender.send()
          sent += 1
          let error = Self.replace(new, FaultyNftCalls(failing: call, fault, with: number), state)
          let version = try TwoRulesets.version(["old": old, "new": new], in: kernel)
          let place = "call \(call), \(fault): \(error.map { "\($0)" } ?? "no error")"
          #expect(version == (error == nil ? "new" : "old"), "\(place)")
          if isAgain, number != ERESTART || call == 1 && fault == .refusal { #expect(error == nil, "\(place)") }
          #expect(!state.hasPending, "\(place)")
          for (table, packets) in try TwoRulesets.keptPackets(in: kernel) { #expect(packets == sent, "\(place), \(table)") }
          if error != nil { refused += 1 }
        }
      }
      #expect(refused > 0 || isAgain)
    }
  }

  /// Tables that were made from the loaded ones are made anew as often as another program changes these before the transaction.
  @Test(.needsTool("iptables-nft")) func whatAnotherProgramAddsBeforeTheTransactionStays() throws {
    let text = "*filter\n:f2b-x - [0:0]\n-A INPUT -j f2b-x\nCOMMIT\n"
    @Sendable func added(_ loaded: Ruleset) -> [TableBlob] {
      let own = try? tables("*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n").first?.chains[0].rules
      return loaded.tables.map { table in
        var table = table
        table.update(at: 0) { $0.rules += own ?? [] }
        return TableCompiler().compile(table)
      }
    }
    try NetworkNamespace.onNewThread {
      try NftTables(registry: .ferrule).replace(try tables(text).map { TableCompiler().compile($0) }, ReplaceOptions(recordedIn: nil))
      let calls = DisturbedNftCalls()
      let loaded = Ruleset(.ipv4, tables: try tables(text))
      func replace(_ options: ReplaceOptions) throws(KernelError) {
        try NftTables(registry: .ferrule, calls: calls).replace(added(loaded), options)
      }
      var options = ReplaceOptions(recordedIn: nil)
      options.basis = loaded.tables.map { TableCompiler().compile($0) }
      let refused = #expect(throws: KernelError.self) { try replace(options) }
      #expect(refused?.reason == .changedMeanwhile)
      options.renewed = added
      try replace(options)
      let listing = try HostProcess.run("iptables-nft", ["-S"]).output
      let rules = listing.split(separator: "\n").filter { $0.hasPrefix("-A") }
      #expect(
        rules == ["-A INPUT -j f2b-x", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]
          + (1...DisturbedNftCalls.disturbances).map { "-A f2b-x -s 10.0.0.\($0)/32 -j DROP" })
    }
  }

  /// What is loaded is compared with what was asked for. If it differs, the old tables are loaded again.
  @Test func whatReadsBackOtherwiseIsTakenBack() throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let (state, kernel) = (StateDirectory(path), NftTables(registry: .ferrule))
      try kernel.replace(old, ReplaceOptions(recordedIn: nil))
      let error = try #require(Self.replace(new, FaultyNftCalls(failing: 2, .missingRule, echoes: false), state))
      guard case .readsBackOtherwise = error.reason else {
        Issue.record("\(error)")
        return
      }
      #expect(error.notRestored.isEmpty)
      #expect(try TwoRulesets.version(["old": old, "new": new], in: kernel) == "old")
      #expect(!state.hasPending)
      #expect(try state.history().isEmpty)
    }
  }

  /// A change whose process was killed after the transaction is put back by the next command of iptables-nft that Ferrule installs, before
  /// that command makes its own.
  @Test func theCommandsOfIptablesPutBackWhatWasInterrupted() throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let (state, kernel) = (StateDirectory(path), NftTables(registry: .ferrule))
      for tables in [old, new] { try kernel.replace(tables, ReplaceOptions(recordedIn: nil)) }
      let steps = zip(old, new).map { before, after in
        ChangeRecord.Step(before: before, after: after, origins: [ChangeRecord.Origin](repeating: .zero, count: after.entryCount))
      }
      try state.prepare()
      try state.write(ChangeRecord(steps: steps, of: .nft).bytes, to: try state.pendingPath())
      #expect(state.hasPending)
      let outcome = try HostProcess.run(
        "\(BuiltPrograms.folder)/ferrule-nft-multi", ["iptables-nft", "-A", "INPUT", "-j", "ACCEPT"],
        environment: ["FERRULE_STATE_DIRECTORY=\(path)", "XTABLES_LOCKFILE=\(path)/lock"])
      #expect(
        outcome.status == 0 && outcome.output.contains("ferrule: a change was interrupted; put back as before it: "), "\(outcome.output)")
      #expect(!state.hasPending)
      #expect(try state.history().map(\.outcome) == [.recovered])
      let filter = try kernel.table(.ipv4, .filter)
      #expect(try filter.typed(.ferrule)[chain: "INPUT"]?.rules.last == Rule(target: .verdict(.accept)))
      #expect(try filter.chainNames() == ["user-old"])
      // The other tables are the old ones, whole.
      #expect(
        try TwoRulesets.version(["old": old.filter { $0.name != .filter }, "new": new.filter { $0.name != .filter }], in: kernel) == "old")
    }
  }

  /// Where an echo is missing, or a chain has another number of rules than it should have, the tables are read in full.
  @Test func whatEchoesDoNotConfirmIsReadInFull() throws {
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    try NetworkNamespace.onNewThread {
      let kernel = NftTables(registry: .ferrule)
      for (failing, calls) in [(-1, 3), (1, 3), (2, 4)] {
        try kernel.replace(old, ReplaceOptions(recordedIn: nil))
        let counter = FaultyNftCalls(failing: failing, .missingRule)
        #expect(Self.replace(new, counter, nil) == nil, "call \(failing)")
        #expect(counter.calls == calls, "call \(failing)")
        #expect(counter.fullReadings == (failing < 0 ? 1 : 2), "call \(failing)")
        #expect(try TwoRulesets.version(["old": old, "new": new], in: kernel) == "new", "call \(failing)")
      }
    }
  }

  /// nf_tables follows 15 jumps from a built-in chain on. Deeper chains are refused by name, before the transaction.
  @Test func jumpsThatAreTooDeepAreNamedBeforeTheCommit() throws {
    func chains(_ depth: Int) throws -> [TableBlob] {
      let names = (1...depth).map { ":c\($0) - [0:0]\n" }.joined()
      let jumps = (1..<depth).map { "-A c\($0) -\($0 % 2 == 0 ? "j" : "g") c\($0 + 1)\n" }.joined()
      return try tables("*filter\n\(names)-A INPUT -j c1\n\(jumps)-A c\(depth) -j ACCEPT\nCOMMIT\n").map { TableCompiler().compile($0) }
    }
    let (deep, tooDeep) = (try chains(15), try chains(16))
    try NetworkNamespace.onNewThread {
      let kernel = NftTables(registry: .ferrule)
      try kernel.replace(deep, ReplaceOptions(recordedIn: nil))
      let calls = FaultyNftCalls(failing: -1)
      let error = try #require(Self.replace(tooDeep, calls, nil))
      #expect("\(error)".contains("its chains jump 16 deep (INPUT, c1, c2, … c16)"), "\(error)")
      #expect(calls.calls == 1)
      // The kernel agrees on the limit: without the check it refuses the transaction.
      try LegacyTables().replace(tooDeep, ReplaceOptions())
    }
  }
}
