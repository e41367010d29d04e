import Glibc
import Kernel
import TestSupport
import Testing
import Wire

@Suite(.asRoot) struct KernelTablesTests {
  @Test(arguments: [AddressFamily.ipv4, .ipv6])
  func aTableIsCommittedAndReadBack(family: AddressFamily) throws {
    var counted = Entries.plain(family, jump: "ACCEPT")
    counted.setCounters(KernelCounters(packets: 7, bytes: 700), family)
    let wanted = KernelTable(
      family: family, name: "filter",
      chains: [
        KernelChain(
          name: "INPUT", policy: .drop, counters: KernelCounters(packets: 3, bytes: 300),
          rules: [
            Entries.plain(family, jump: "web"), counted, Entries.plain(family),
          ]),
        KernelChain(name: "FORWARD", policy: .accept),
        KernelChain(name: "OUTPUT", policy: .accept),
        KernelChain(name: "empty"),
        KernelChain(name: "web", rules: [Entries.plain(family, jump: "empty", goto: true), Entries.plain(family, jump: "RETURN")]),
      ])
    let (back, witness) = try NetworkNamespace.onNewThread {
      var options = KernelTables.ApplyOptions()
      options.keepsCounters = true
      try KernelTables().apply([wanted], options)
      let save = family == .ipv4 ? "iptables-legacy-save" : "ip6tables-legacy-save"
      return (try KernelTables().read(family, "filter"), try output(of: save, ["-c"]))
    }
    #expect(back.chains.map(\.name) == wanted.chains.map(\.name))
    #expect(back[chain: "INPUT"]?.policy == .drop)
    #expect(back[chain: "INPUT"]?.counters == KernelCounters(packets: 3, bytes: 300))
    #expect(back[chain: "INPUT"]?.rules.map { $0.counters(family) }[1] == KernelCounters(packets: 7, bytes: 700))
    for (chain, found) in zip(wanted.chains, back.chains) {
      #expect(chain.rules.count == found.rules.count)
      for (rule, other) in zip(chain.rules, found.rules) { #expect(rule.agrees(with: other, family: family)) }
    }
    let rules = witness.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(
      rules == [
        "*filter", ":INPUT DROP [3:300]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":empty - [0:0]", ":web - [0:0]",
        "[0:0] -A INPUT -j web", "[7:700] -A INPUT -j ACCEPT", "[0:0] -A INPUT", "[0:0] -A web -g empty", "[0:0] -A web -j RETURN",
        "COMMIT",
      ])
  }

  @Test func aRefusedTableSetsTheEarlierOnesBack() throws {
    let before = KernelTable(
      family: .ipv4, name: "filter",
      chains: [
        KernelChain(
          name: "INPUT", policy: .drop, counters: KernelCounters(packets: 5, bytes: 55), rules: [Entries.plain(.ipv4, jump: "mine")]),
        KernelChain(name: "FORWARD", policy: .accept), KernelChain(name: "OUTPUT", policy: .accept),
        KernelChain(name: "mine"),
      ])
    let filter = KernelTable(
      family: .ipv4, name: "filter",
      chains: [
        KernelChain(name: "INPUT", policy: .accept), KernelChain(name: "FORWARD", policy: .drop),
        KernelChain(name: "OUTPUT", policy: .accept),
      ])
    // TTL is allowed in mangle only; the third rule of nat's POSTROUTING is the one refused.
    let nat = KernelTable(
      family: .ipv4, name: "nat",
      chains: [
        KernelChain(name: "PREROUTING", policy: .accept, rules: [Entries.plain(.ipv4, jump: "ACCEPT")]),
        KernelChain(
          name: "POSTROUTING", policy: .accept,
          rules: [
            Entries.plain(.ipv4), Entries.plain(.ipv4), Entries.target(.ipv4, "TTL", data: [0, 64, 0, 0]), Entries.plain(.ipv4),
          ]),
      ])
    let (error, witness) = try NetworkNamespace.onNewThread {
      var options = KernelTables.ApplyOptions()
      options.keepsCounters = true
      try KernelTables().apply([before], options)
      var refusal: KernelError?
      do throws(KernelError) { try KernelTables().apply([filter, nat]) } catch { refusal = error }
      return (refusal, try output(of: "iptables-legacy-save", ["-c", "-t", "filter"]))
    }
    let refusal = try #require(error)
    #expect(refusal.reason == .refused)
    #expect(refusal.table == "nat")
    #expect(refusal.error?.name == "EINVAL")
    #expect(refusal.rule == RuleReference(chain: "POSTROUTING", rule: 3))
    #expect(refusal.notRestored.isEmpty)
    #expect(refusal.description == "table nat, chain POSTROUTING, rule 3: the kernel refused the table: Invalid argument (EINVAL)")
    #expect(refusal.advice.contains("dmesg"))
    #expect(witness.contains(":INPUT DROP [5:55]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:mine - [0:0]\n[0:0] -A INPUT -j mine\n"))
  }

  @Test func aCircleIsRefusedAtTheRuleThatClosesIt() throws {
    let table = KernelTable(
      family: .ipv6, name: "filter",
      chains: [
        KernelChain(name: "INPUT", policy: .accept, rules: [Entries.plain(.ipv6, jump: "a")]),
        KernelChain(name: "a", rules: [Entries.plain(.ipv6), Entries.plain(.ipv6, jump: "b")]),
        KernelChain(name: "b", rules: [Entries.plain(.ipv6, jump: "a")]),
      ])
    let error = try NetworkNamespace.onNewThread { () -> KernelError? in
      do throws(KernelError) { try KernelTables().apply([table]) } catch { return error }
      return nil
    }
    #expect(error?.error?.name == "ELOOP")
    #expect(error?.rule == RuleReference(chain: "b", rule: 1))
  }

  @Test func whatCannotBePutToTheKernelIsNamedBeforeItIsAsked() throws {
    var cut = Entries.plain(.ipv4)
    cut.entry.removeLast(8)
    let entries: [KernelRule] = [cut, KernelRule(entry: []), Entries.plain(.ipv4, jump: String(repeating: "x", count: 40))]
    try NetworkNamespace.onNewThread {
      for rule in entries {
        let table = KernelTable(family: .ipv4, name: "filter", chains: [KernelChain(name: "INPUT", policy: .accept, rules: [rule])])
        do throws(KernelError) {
          try KernelTables().apply([table])
          Issue.record("taken")
        } catch {
          guard case .malformed = error.reason else {
            Issue.record("\(error)")
            return
          }
          #expect(error.rule == RuleReference(chain: "INPUT", rule: 1))
        }
      }
      for (name, reason) in [("nosuch", KernelError.Reason.cannotRead), ("", .malformed("this is not a valid table name"))] {
        #expect { try KernelTables().read(.ipv4, name) } throws: { ($0 as? KernelError)?.reason == reason }
      }
    }
  }

  @Test func tablesInUseAreListed() throws {
    let names = try NetworkNamespace.onNewThread {
      _ = try KernelTables().read(.ipv4, "mangle")
      _ = try KernelTables().read(.ipv4, "raw")
      return KernelTables().names(.ipv4)
    }
    #expect(Set(names) == ["mangle", "raw"])
  }

  @Test func aRawTableIsReadAndPutBack() throws {
    try NetworkNamespace.onNewThread {
      let pristine = try RawTable.read(.ipv4, "filter")
      #expect(pristine.entryCount == 4)
      #expect(pristine.validHooks == 0b01110)
      let table = KernelTable(
        family: .ipv4, name: "filter",
        chains: [
          KernelChain(name: "INPUT", policy: .drop, rules: [Entries.plain(.ipv4, jump: "ACCEPT")]),
          KernelChain(name: "FORWARD", policy: .accept), KernelChain(name: "OUTPUT", policy: .accept),
        ])
      try KernelTables().apply([table])
      let changed = try RawTable.read(.ipv4, "filter")
      #expect(changed.entryCount == 5)
      #expect(changed.entries.count == pristine.entries.count + 152)
      try pristine.replace()
      #expect(try RawTable.read(.ipv4, "filter") == pristine)
    }
  }

  @Test func revisionsAreProbed() {
    let probe = ExtensionProbe()
    #expect(probe.has(.match, "conntrack", revision: 3, .ipv4) == .has)
    #expect(probe.has(.match, "conntrack", revision: 0, .ipv4) == .otherRevision)
    #expect(probe.has(.target, "nosuchthing", revision: 0, .ipv6) == .lacks)
    #expect(probe.has(.target, "REJECT", revision: 0, .ipv6) == .has)
  }
}

@Suite struct XtablesLockTests {
  @Test func theLockIsHeldByOneAtATime() throws {
    let path = "/tmp/ferrule-lock-test-\(getpid())"
    defer { _ = unsafe unlink(path) }
    let first = try XtablesLock(path: path)
    do {
      _ = try XtablesLock(path: path)
      Issue.record("taken twice")
    } catch {
      #expect(error.reason == .locked(path: path))
    }
    do {
      _ = try XtablesLock(path: path, wait: 0.1)
      Issue.record("taken twice")
    } catch {
      #expect(error.reason == .locked(path: path))
    }
    _ = consume first
    _ = try XtablesLock(path: path)
  }

  @Test func aLockThatCannotBeOpenedIsAnError() {
    #expect(throws: KernelError.self) { _ = try XtablesLock(path: "/nonexistent/lock") }
  }
}
