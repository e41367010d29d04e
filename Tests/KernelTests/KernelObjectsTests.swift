import Diagnostics
import Extensions
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Kernel

/// Rules that name what lives beside the tables: what is said to be missing is what the kernel refuses, and nothing else.
@Suite(.asRoot) struct KernelObjectsTests {
  static let estimate = "-j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms"
  static let compare = "-m rateest --rateest1 a --rateest-gt --rateest-bps 8bit -j DROP"

  struct Outcome: Equatable {
    var missing: [String]
    var isTaken: Bool
  }

  /// What is found missing in a namespace of its own, and what its kernel says.
  static func judge(_ text: String, objects: [String] = [], after earlier: String = "") throws -> Outcome {
    let parse = { (text: String) in
      RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    }
    let (parsed, before) = (parse(text), parse(earlier))
    #expect(parsed.diagnostics.isEmpty, "\(parsed.diagnostics.map(\.message))")
    return try NetworkNamespace.onNewThread {
      var socket = try NetlinkSocket(.netfilter)
      for object in objects {
        var message = NetlinkMessage(subsystem: 7, 0, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding)
        message.add(1, text: object)
        try socket.request([message], what: "making an accounting object")
      }
      try LegacyTables().replace(before.ruleset.tables)
      let missing = KernelObjects(registry: .ferrule, tables: LegacyTables()).missing(for: parsed.ruleset).map(\.message)
      do {
        try LegacyTables().replace(parsed.ruleset.tables)
        return Outcome(missing: missing, isTaken: true)
      } catch {
        return Outcome(missing: missing, isTaken: false)
      }
    }
  }

  @Test func anAccountingObjectMustBeThere() throws {
    let rules = "*filter\n-A INPUT -m nfacct --nfacct-name web\nCOMMIT\n"
    #expect(
      try Self.judge(rules)
        == Outcome(
          missing: ["the kernel has no accounting object `web' in this network namespace"], isTaken: false))
    #expect(try Self.judge(rules, objects: ["web"]) == Outcome(missing: [], isTaken: true))
    #expect(try Self.judge(rules, objects: ["wet"]).isTaken == false)
  }

  @Test func anEstimatorMustStandBefore() throws {
    let none = Outcome(missing: ["there is no rate estimator `a' when the kernel loads this rule"], isTaken: false)
    let fine = Outcome(missing: [], isTaken: true)
    let (estimate, compare) = (Self.estimate, Self.compare)
    #expect(try Self.judge("*filter\n-A INPUT \(compare)\nCOMMIT\n") == none)
    #expect(try Self.judge("*filter\n-A INPUT \(estimate)\n-A INPUT \(compare)\nCOMMIT\n") == fine)
    #expect(try Self.judge("*filter\n-A INPUT \(compare)\n-A INPUT \(estimate)\nCOMMIT\n") == none)
    // The chains come in the order in which the kernel gets them, whatever the file's.
    #expect(try Self.judge("*filter\n-A FORWARD \(estimate)\n-A INPUT \(compare)\nCOMMIT\n") == none)
    #expect(try Self.judge("*filter\n-A FORWARD \(compare)\n-A INPUT \(estimate)\nCOMMIT\n") == fine)
    #expect(try Self.judge("*mangle\n-A INPUT \(estimate)\nCOMMIT\n*filter\n-A INPUT \(compare)\nCOMMIT\n") == fine)
    #expect(try Self.judge("*filter\n-A INPUT \(compare)\nCOMMIT\n*mangle\n-A INPUT \(estimate)\nCOMMIT\n") == none)
    #expect(try Self.judge("*filter\n-A INPUT \(compare)\nCOMMIT\n", after: "*mangle\n-A INPUT \(estimate)\nCOMMIT\n") == fine)
    // The table that goes still counts: its rules end when the new ones are in.
    #expect(try Self.judge("*filter\n-A INPUT \(compare)\nCOMMIT\n", after: "*filter\n-A INPUT \(estimate)\nCOMMIT\n") == fine)
  }

  /// The search for the refused rule blames no other because of an object that is not in its namespace.
  @Test func anotherMistakeIsFoundBesideThem() throws {
    let text =
      "*filter\n-A INPUT -m nfacct --nfacct-name web\n-A INPUT -m l2tp --ferrule-bytes 0:00000000000000000000000000000000\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    let rule = try NetworkNamespace.onNewThread { () -> RuleReference? in
      var socket = try NetlinkSocket(.netfilter)
      var message = NetlinkMessage(subsystem: 7, 0, flags: NetlinkMessage.Flag.create)
      message.add(1, text: "web")
      try socket.request([message], what: "making an accounting object")
      do throws(KernelError) {
        try LegacyTables().replace(parsed.ruleset.tables)
        return nil
      } catch {
        return error.rule
      }
    }
    #expect(rule == RuleReference(chain: "INPUT", rule: 2))
  }
}
