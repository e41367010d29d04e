import CNetfilter
import Compiler
import Diagnostics
import Extensions
import Glibc
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@Suite(.asRoot) struct KernelTablesTests {
  @Test(arguments: [Family.ipv4, .ipv6])
  func aTableIsReplacedAndReadBack(family: Family) throws {
    let lines = [
      "*filter", ":INPUT DROP [3:300]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":empty - [0:0]", ":web - [0:0]",
      "[0:0] -A INPUT -j web", "[7:700] -A INPUT -j ACCEPT", "[0:0] -A INPUT", "[0:0] -A web -g empty", "[0:0] -A web -j RETURN",
      "COMMIT",
    ]
    let wanted = try tables(lines.map { $0 + "\n" }.joined(), family)
    let (back, witness) = try NetworkNamespace.onNewThread {
      try LegacyTables().replace(wanted, keepsCounters: true, comparison: .ferrule)
      let save = family == .ipv4 ? "iptables-legacy-save" : "ip6tables-legacy-save"
      return (try LegacyTables().table(family, .filter).typed(.ferrule), try output(of: save, ["-c"]))
    }
    #expect(back.chains.map(\.name) == wanted[0].chains.map(\.name))
    #expect(back[chain: "INPUT"]?.policy == .drop)
    #expect(back[chain: "INPUT"]?.counters == Counters(packets: 3, bytes: 300))
    #expect(back[chain: "INPUT"]?.rules.map(\.counters)[1] == Counters(packets: 7, bytes: 700))
    for (chain, found) in zip(wanted[0].chains, back.chains) {
      #expect(chain.rules.count == found.rules.count)
      for (rule, other) in zip(chain.rules, found.rules) { #expect(rule.isSame(as: other)) }
    }
    #expect(witness.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init) == lines)
  }

  @Test func aRefusedTableSetsTheEarlierOnesBack() throws {
    let before = try tables("*filter\n:INPUT DROP [5:55]\n:mine - [0:0]\n-A INPUT -j mine\nCOMMIT\n")
    // TTL is allowed in mangle only; the third rule of nat's POSTROUTING is the one refused.
    let after = try tables(
      """
      *filter
      :FORWARD DROP [0:0]
      COMMIT
      *nat
      -A PREROUTING -j ACCEPT
      -A POSTROUTING
      -A POSTROUTING
      -A POSTROUTING -j TTL --ttl-set 64
      -A POSTROUTING
      COMMIT

      """)
    let (error, witness) = try NetworkNamespace.onNewThread {
      try LegacyTables().replace(before, keepsCounters: true, comparison: .ferrule)
      var refusal: KernelError?
      do throws(KernelError) { try LegacyTables().replace(after, comparison: .ferrule) } catch { refusal = error }
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
    let circle = try tables("*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a\n-A a -j b\n-A b -j a\nCOMMIT\n", .ipv6)
    let error = try NetworkNamespace.onNewThread { () -> KernelError? in
      do throws(KernelError) { try LegacyTables().replace(circle) } catch { return error }
      return nil
    }
    #expect(error?.error?.name == "ELOOP")
    #expect(error?.rule == RuleReference(chain: "b", rule: 1))
  }

  /// What libiptc cannot express is refused with the rule's place before libiptc is called.
  @Test func aRuleThatFitsIntoNoEntryIsRefused() throws {
    var big = try #require(try tables("*filter\n-A INPUT -m comment --comment x -j ACCEPT\nCOMMIT\n")[0][chain: "INPUT"]?.rules[0])
    big.matches = Array(repeating: big.matches[0], count: 250)
    let rules = [big, Rule(target: .jump(String(repeating: "x", count: 40)))]
    try NetworkNamespace.onNewThread {
      let editor = try TableEditor(.ipv4, "filter")
      for rule in rules {
        do throws(KernelError) {
          try editor.insert(rule, into: "INPUT", at: 1)
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
        #expect { _ = try TableEditor(.ipv4, name) } throws: { ($0 as? KernelError)?.reason == reason }
      }
    }
  }

  @Test func tablesInUseAreRead() throws {
    let names = try NetworkNamespace.onNewThread { () -> [TableName] in
      _ = try LegacyTables().table(.ipv4, .mangle)
      _ = try LegacyTables().table(.ipv4, .raw)
      var names: [TableName] = []
      try LegacyTables().read(.ipv4, only: nil) { names.append($0.name) }
      return names
    }
    #expect(Set(names) == [.mangle, .raw] && names.count == 2)
  }

  @Test func aTableIsReadAndPutBackAsItWas() throws {
    let other = try tables("*filter\n:INPUT DROP [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n")
    try NetworkNamespace.onNewThread {
      let pristine = try LegacyTables().table(.ipv4, .filter)
      #expect(pristine.entryCount == 4)
      #expect(pristine.validHooks == 0b01110)
      try LegacyTables().replace(other)
      let changed = try LegacyTables().table(.ipv4, .filter)
      #expect(changed.entryCount == 5)
      #expect(changed.entries.count == pristine.entries.count + 152)
      try LegacyTables().replace([pristine], ReplaceOptions())
      #expect(try LegacyTables().table(.ipv4, .filter) == pristine)
    }
  }

  /// The tables of nf_tables with a chain at a hook are listed, whoever made them; those without one see no packet.
  @Test(.needsTool("nft")) func rulesOfNfTablesAreListed() throws {
    let (none, some) = try NetworkNamespace.onNewThread {
      let none = try LegacyTables().others()
      for command in [
        "add table inet guard; add chain inet guard in { type filter hook input priority 10; }",
        "add table ip idle; add chain ip idle plain",
      ] { _ = try HostProcess.run("nft", [command]) }
      return (none, try LegacyTables().others())
    }
    #expect(none.isEmpty, "\(none)")
    #expect(some == [OtherRules(.nfTables, family: "inet", table: "guard")], "\(some)")
    #expect(some.map(\.description) == ["nf_tables table inet guard"])
  }

  /// The offsets of the one layout of entries are those of the kernel's headers.
  @Test func theLayoutIsTheHeaders() {
    let four = EntryLayout(.ipv4)
    let six = EntryLayout(.ipv6)
    #expect(four.size == MemoryLayout<ipt_entry>.size && six.size == MemoryLayout<ip6t_entry>.size)
    #expect(four.targetOffset == MemoryLayout<ipt_entry>.offset(of: \.target_offset))
    #expect(six.targetOffset == MemoryLayout<ip6t_entry>.offset(of: \.target_offset))
    #expect(four.nextOffset == MemoryLayout<ipt_entry>.offset(of: \.next_offset))
    #expect(six.nextOffset == MemoryLayout<ip6t_entry>.offset(of: \.next_offset))
    #expect(four.comeFrom.lowerBound == MemoryLayout<ipt_entry>.offset(of: \.comefrom))
    #expect(six.comeFrom.lowerBound == MemoryLayout<ip6t_entry>.offset(of: \.comefrom))
    #expect(four.counters.lowerBound == MemoryLayout<ipt_entry>.offset(of: \.counters))
    #expect(six.counters.lowerBound == MemoryLayout<ip6t_entry>.offset(of: \.counters))
    #expect(four.counters.count == MemoryLayout<xt_counters>.size)
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
      #expect(isLocked(error, path))
    }
    do {
      _ = try XtablesLock(path: path, wait: 0.1)
      Issue.record("taken twice")
    } catch {
      #expect(isLocked(error, path))
    }
    _ = consume first
    _ = try XtablesLock(path: path)
  }

  /// True for the error of a lock that this process holds, which the error names.
  private func isLocked(_ error: KernelError, _ path: String) -> Bool {
    guard case .locked(path, let holder?) = error.reason else { return false }
    return holder.hasSuffix("(process \(getpid()))")
  }

  @Test func aLockThatCannotBeOpenedIsAnError() {
    #expect(throws: KernelError.self) { _ = try XtablesLock(path: "/nonexistent/lock") }
  }
}
