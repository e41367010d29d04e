import Compiler
import Diagnostics
import Extensions
import Glibc
import Kernel
import Synchronization
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Calls of the kernel of which one fails, once or always.
private final class FaultyCalls: TableCalls {
  private let kernel = KernelTableCalls()
  private let count = Mutex(0)
  private let failing: ClosedRange<Int>
  private let number: Int32

  /// - Parameter failing: the numbers of the calls that fail, from 0.
  init(failing: ClosedRange<Int>, with number: Int32) {
    self.failing = failing
    self.number = number
  }

  /// The number of calls so far.
  var calls: Int { count.withLock { $0 } }

  private func call(_ table: TableName) throws(KernelError) {
    let place = count.withLock { count in
      count += 1
      return count - 1
    }
    if failing.contains(place) { throw KernelError(.refused, family: .ipv4, table: table.rawValue, error: SystemError(number: number)) }
  }

  func read(_ family: Family, _ name: TableName) throws(KernelError) -> TableBlob {
    try call(name)
    return try kernel.read(family, name)
  }

  func replace(_ table: TableBlob, entryCount: Int, into old: CounterMemory) throws(KernelError) {
    try call(table.name)
    try kernel.replace(table, entryCount: entryCount, into: old)
  }

  func add(_ counters: [Counters], to table: TableBlob) throws(KernelError) {
    try call(table.name)
    try kernel.add(counters, to: table)
  }
}

/// Changes of several tables in both families in which something goes wrong.
@Suite(.asRoot, .serialized) struct ChangeFaultTests {
  /// Each call of the kernel fails once, with each error: the tables are the old ones or the new ones, and kept rules have all counts.
  @Test(arguments: [EAGAIN, ENOBUFS, ENOMEM, EINVAL, EPERM]) func whicheverCallFailsTheTablesAreWhole(_ number: Int32) throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    let refused = try NetworkNamespace.onNewThread { () -> Int in
      let state = StateDirectory(path)
      let sender = try LoopbackSender()
      defer { sender.close() }
      try LegacyTables().replace(old, ReplaceOptions(recordedIn: nil))
      let counter = FaultyCalls(failing: -1 ... -1, with: 0)
      try LegacyTables(calls: counter).replace(new, ReplaceOptions(recordedIn: state))
      try #require(counter.calls > 12)
      var (refused, sent) = (0, UInt64(0))
      for call in 0..<counter.calls {
        try LegacyTables().replace(old, ReplaceOptions(recordedIn: nil))
        sender.send()
        sent += 1
        var error: KernelError?
        do throws(KernelError) {
          try LegacyTables(calls: FaultyCalls(failing: call...call, with: number)).replace(new, ReplaceOptions(recordedIn: state))
        } catch let refusal { error = refusal }
        let version = try TwoRulesets.version(["old": old, "new": new])
        #expect(version == (error == nil ? "new" : "old"), "call \(call): \(error.map { "\($0)" } ?? "no error")")
        #expect(error?.notRestored.isEmpty ?? true)
        #expect(!state.hasPending)
        for (table, packets) in try TwoRulesets.keptPackets() { #expect(packets == sent, "call \(call), \(table)") }
        if error != nil { refused += 1 }
      }
      return refused
    }
    // A call that may succeed the second time is repeated where that is safe.
    #expect(refused > 0)
  }

  /// If going back fails too, the error says which tables are not restored, and the next command restores them with their counters.
  @Test func whatCouldNotBePutBackIsPutBackByTheNextCommand() throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let state = StateDirectory(path)
      let sender = try LoopbackSender()
      defer { sender.close() }
      try LegacyTables().replace(old, ReplaceOptions(recordedIn: nil))
      for _ in 0..<5 { sender.send() }
      do throws(KernelError) {
        try LegacyTables(calls: FaultyCalls(failing: 12...100_000, with: EINVAL)).replace(new, ReplaceOptions(recordedIn: state))
        Issue.record("applied")
      } catch {
        #expect(!error.notRestored.isEmpty)
      }
      #expect(state.hasPending)
      #expect(try TwoRulesets.version(["old": old, "new": new]) == nil)
      sender.send()
      guard case .putBack(let tables, left: []) = try LegacyTables().recover(state, .ferrule) else {
        Issue.record("not put back")
        return
      }
      #expect(!tables.isEmpty)
      #expect(try TwoRulesets.version(["old": old, "new": new]) == "old")
      for (table, packets) in try TwoRulesets.keptPackets() { #expect(packets == 6, "\(table)") }
      #expect(try LegacyTables().recover(state, .ferrule) == nil)
      #expect(try state.history().map(\.outcome) == [.recovered])
    }
  }

  /// So do the commands of iptables that Ferrule installs: an edit of a table in between could not be told from another program's.
  @Test func theCommandsOfIptablesPutBackWhatWasInterrupted() throws {
    let folder = try TemporaryFolder()
    let (old, new) = (try TwoRulesets.blobs("old", rules: 3), try TwoRulesets.blobs("new", rules: 3))
    let path = folder.path
    try NetworkNamespace.onNewThread {
      let state = StateDirectory(path)
      try LegacyTables().replace(old, ReplaceOptions(recordedIn: nil))
      #expect(throws: KernelError.self) {
        try LegacyTables(calls: FaultyCalls(failing: 12...100_000, with: EINVAL)).replace(new, ReplaceOptions(recordedIn: state))
      }
      #expect(state.hasPending)
      let command = "\(BuiltPrograms.folder)/ferrule-legacy-multi iptables"
      let outcome = try HostProcess.run(
        "/bin/sh", ["-c", "\(command)-xml < /dev/null; \(command) -A INPUT -j ACCEPT"],
        environment: ["FERRULE_STATE_DIRECTORY=\(path)", "XTABLES_LOCKFILE=\(path)/lock"])
      #expect(
        outcome.status == 0 && outcome.output.contains("ferrule: a change was interrupted; put back as before it: "), "\(outcome.output)")
      #expect(!state.hasPending)
      #expect(try LegacyTables().table(.ipv4, .filter).typed(.ferrule)[chain: "INPUT"]?.rules.count == 1)
      #expect(try LegacyTables().table(.ipv4, .filter).chainNames() == ["user-old"])
    }
  }

  /// The kernel refuses the second table: nothing in use changes, because it is tried elsewhere first; also with sets that rules name.
  @Test(.needsTool("ipset")) func aRefusalIsFoundBeforeATableInUseChanges() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    try NetworkNamespace.onNewThread {
      _ = try HostProcess.run("ipset", ["create", "other", "hash:net"])
      _ = try HostProcess.run("ipset", ["create", "bad", "hash:ip"])
      let set = NameDatabase.builtin.with(
        addressSet: { $0 == "bad" ? .found(1, nil) : .missing }, addressSetName: { $0 == 1 ? "bad" : nil }, isPinned: { _ in false })
      func parse(_ text: String) -> [Table] {
        RulesetParser(registry: .ferrule, names: set, family: .ipv4).parse(SourceFile(name: "r", bytes: Array(text.utf8))).ruleset.tables
      }
      var options = ReplaceOptions(recordedIn: StateDirectory(path))
      options.triesFirst = true
      let good = parse("*filter\n-A INPUT -m set --match-set bad src -j DROP\nCOMMIT\n")
      try LegacyTables().replace(good.map { TableCompiler().compile($0) }, options)
      let before = try LegacyTables().table(.ipv4, .filter)
      let refused = parse(
        "*filter\n-A INPUT -m set --match-set bad src -j ACCEPT\nCOMMIT\n*nat\n-A POSTROUTING\n-A POSTROUTING -j TTL --ttl-set 64\nCOMMIT\n"
      )
      options.typed = { refused[$0] }
      do throws(KernelError) {
        try LegacyTables(calls: FaultyCalls(failing: 0...1000, with: EIO)).replace(refused.map { TableCompiler().compile($0) }, options)
        Issue.record("applied")
      } catch {
        #expect(error.rule == RuleReference(chain: "POSTROUTING", rule: 2))
        #expect(error.error?.name == "EINVAL")
      }
      #expect(try LegacyTables().table(.ipv4, .filter) == before)
    }
  }

  /// A rule may name an object that only the network namespace in use has, such as a timeout policy. The kernel gives back four bytes of its name.
  @Test func whatCannotBeTriedElsewhereIsNotRefused() throws {
    let rules = try tables("*raw\n-A PREROUTING -p tcp -j CT --timeout abc\nCOMMIT\n")
    let missing = try tables("*raw\n-A PREROUTING -p tcp -j CT --timeout long\nCOMMIT\n")
    try NetworkNamespace.onNewThread {
      // NFNL_SUBSYS_CTNETLINK_TIMEOUT, IPCTNL_MSG_TIMEOUT_NEW; name, protocols, and 100 s for established connections.
      var request = NetlinkMessage(subsystem: 8, 0, flags: NetlinkMessage.Flag.create)
      request.add(1, text: "abc")
      request.add(2, network16: 2)
      request.add(3, [6])
      request.add(4) { $0.add(3, network32: 100) }
      var socket = try NetlinkSocket(.netfilter)
      try socket.request([request], what: "adding a timeout policy")
      var options = ReplaceOptions(recordedIn: nil)
      options.triesFirst = true
      try LegacyTables().replace(rules.map { TableCompiler().compile($0) }, options)
      let loaded = try LegacyTables().table(.ipv4, .raw)
      #expect(throws: KernelError.self) { try LegacyTables().replace(missing.map { TableCompiler().compile($0) }, options) }
      #expect(try EntryKeys(LegacyTables().table(.ipv4, .raw), .ferrule).keys == EntryKeys(loaded, .ferrule).keys)
    }
  }

  @Test func aTableThatStaysTheSameIsNotWritten() throws {
    let old = try TwoRulesets.blobs("old", rules: 3)
    try NetworkNamespace.onNewThread {
      try LegacyTables().replace(old, ReplaceOptions(recordedIn: nil))
      let calls = FaultyCalls(failing: old.count...1000, with: EIO)
      // One call for each table: it is read.
      try LegacyTables(calls: calls).replace(old, ReplaceOptions(recordedIn: nil))
      #expect(calls.calls == old.count)
    }
  }

  /// A record that was cut off, damaged or forged is refused with the name of its file, and nothing traps.
  @Test func aDamagedRecordIsRefused() throws {
    let steps = zip(try TwoRulesets.blobs("old", rules: 2), try TwoRulesets.blobs("new", rules: 2)).map {
      ChangeRecord.Step(before: $0, after: $1, origins: (0..<$1.entryCount).map { $0 == 0 ? .entry(0) : $0 == 1 ? .given : .zero })
    }
    let record = ChangeRecord(steps: steps, time: 7, process: 8, boot: "b")
    let bytes = record.bytes
    #expect(try ChangeRecord(bytes, from: "f") == record)
    var random = SeededRandom(seed: 16)
    for round in 0..<600 {
      var damaged = bytes
      if round % 3 == 0 { damaged.removeLast(Int(random.next() % UInt64(bytes.count))) }
      for _ in 0..<(1 + round % 4) where !damaged.isEmpty {
        damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      // Half of them have the right sums, so that what is behind them is read too.
      if round % 2 == 0, damaged.count > 24 {
        damaged.setHostWord(UInt64(damaged.count), at: 8)
        damaged.setHostWord(ChangeRecord.checksum(damaged[24...]), at: 16)
      }
      do throws(KernelError) { _ = try ChangeRecord(damaged, from: "some file") } catch { #expect("\(error)".contains("some file")) }
    }
  }
}
