import Diagnostics
import Documents
public import Syntax
public import Wire
public import XTables

/// A plan that is applied later: the new rules, and the rules that were loaded when it was made.
public struct SavedPlan: Sendable {
  /// The rules of both families that were loaded, as iptables-save text without counters.
  public let live: [Family: String]
  /// The new rules, in the same form.
  public let rules: [Family: String]

  /// The ipsets of the plan, as `ipset save' prints them, and what they change; nil if it has none.
  public let sets: (saved: String, changes: String)?

  private static let key = "ferrule-plan"

  /// Creates a plan from texts.
  public init(live: [Family: String], rules: [Family: String], sets: (saved: String, changes: String)? = nil) {
    self.live = live
    self.rules = rules
    self.sets = sets
  }

  /// The text of rules in a plan.
  public static func text(_ ruleset: Ruleset, _ printer: RulePrinter) -> String {
    String(decoding: ruleset.tables.flatMap { printer.table($0, counters: false) }, as: UTF8.self)
  }

  /// A ruleset's text with the tables of another one that it does not have.
  public static func completed(_ text: String, from other: String) -> String {
    let names = Set(text.split(separator: "\n").filter { $0.hasPrefix("*") })
    var (rest, isTaken) = ("", false)
    for line in other.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("*") { isTaken = !names.contains(line) }
      if isTaken { rest += line + "\n" }
      if line == "COMMIT" { isTaken = false }
    }
    return text + rest
  }

  private static func name(_ family: Family) -> String { family == .ipv4 ? "ipv4" : "ipv6" }

  /// The file's text: JSON on one line.
  public var text: String {
    func object(_ texts: [Family: String]) -> JSONValue {
      .object(JSONObject(Family.allCases.compactMap { family in texts[family].map { JSONObject.Member(Self.name(family), .string($0)) } }))
    }
    var members = [
      JSONObject.Member(Self.key, .integer(1)), JSONObject.Member("live", object(live)), JSONObject.Member("rules", object(rules)),
    ]
    if let sets { members.append(JSONObject.Member("sets", .object(["saved": .string(sets.saved), "changes": .string(sets.changes)]))) }
    return JSONValue.object(JSONObject(members)).description + "\n"
  }

  /// Whether a file is a plan instead of a ruleset.
  public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "{\"\(key)\":".utf8) }

  /// Reads a plan; nil if the file is damaged.
  public init?(_ bytes: [UInt8]) {
    guard let value = try? JSONValue(parsing: bytes), value[Self.key]?.integer == 1 else { return nil }
    func texts(_ name: String) -> [Family: String]? {
      guard let object = value[name] else { return nil }
      var found: [Family: String] = [:]
      for family in Family.allCases {
        guard let member = object[Self.name(family)] else { continue }
        guard let text = member.text else { return nil }
        found[family] = text
      }
      return found
    }
    guard let live = texts("live"), let rules = texts("rules"), !rules.isEmpty else { return nil }
    guard let object = value["sets"] else {
      self.init(live: live, rules: rules)
      return
    }
    guard let saved = object["saved"]?.text, let changes = object["changes"]?.text else { return nil }
    self.init(live: live, rules: rules, sets: (saved, changes))
  }
}
