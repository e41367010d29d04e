import Documents
import Lab
import Wire

/// Describes the differences between the answers of engine and kernel to one scenario.
///
/// Reports every difference that `LabComparison` finds. Differences without a specific description are reported as raw values.
struct SideBySide {
  struct Item: Equatable {
    /// The step's index in the scenario; nil for differences at the end.
    var step: Int?
    /// What differs, such as `verdict` or `packet 2: its bytes`.
    var subject: String
    var engine: String
    var kernel: String
  }

  private let comparison: LabComparison
  private(set) var items: [Item] = []

  init(_ comparison: LabComparison, engine: LabResult, kernel: LabResult) {
    self.comparison = comparison
    let (left, right) = comparison.masked(engine.json, kernel.json)
    let (a, b) = (left["steps"]?.elements ?? [], right["steps"]?.elements ?? [])
    for index in 0..<max(a.count, b.count) {
      let left = index < a.count ? a[index] : nil
      let right = index < b.count ? b[index] : nil
      compare(step: left?["i"]?.integer ?? right?["i"]?.integer ?? index, left, right)
    }
    compare(counters: left, right)
    compare(nil, "", left, right, members: SideBySide.ends)
    if items.isEmpty, let rest = comparison.differencesOfMasked(left, right).first {
      items = [Item(step: nil, subject: rest.path, engine: SideBySide.plain(rest.left), kernel: SideBySide.plain(rest.right))]
    }
  }

  /// Members with one value each and their descriptions, in report order.
  private typealias Members = [(name: String, words: String)]
  private static let before: Members = [("verdict", "verdict"), ("errno", "the sender's error")]
  private static let behind: Members =
    [
      ("hits", "counters"), ("hits6", "counters of IPv6"), ("sockets", "sockets"), ("ct", "conntrack events"),
      ("injected", "sent packet"),
    ] + ends
  private static let ends: Members = [("conntrack", "conntrack entries"), ("expect", "conntrack expectations")]
  private static let packet: Members = [
    ("origin", "origin"), ("verdict", "verdict"), ("where", "hook of the verdict"), ("by", "deciding rule"),
    ("out", "output interface"),
    ("queue", "queue of the verdict"), ("in", "input interface"), ("mark", "mark"), ("hooks", "hooks"), ("trace", "rules"),
    ("nflog", "NFLOG"),
    ("queued", "queue deliveries"), ("uid", "owner"), ("final", "bytes at the last hook"),
  ]
  private static let frame: Members = [("if", "interface"), ("dmac", "hardware address"), ("hex", "bytes")]

  private mutating func compare(step index: Int, _ left: JSONValue?, _ right: JSONValue?) {
    compare(index, "", left, right, members: SideBySide.before)
    compare(index, list: "packets", "packet", left, right, SideBySide.packet)
    compare(index, list: "egress", "outgoing frame", left, right, SideBySide.frame)
    compare(index, "", left, right, members: SideBySide.behind)
  }

  /// Compares lists whose elements correspond by index.
  private mutating func compare(
    _ step: Int, list name: String, _ words: String, _ left: JSONValue?, _ right: JSONValue?, _ members: Members
  ) {
    let (a, b) = (left?[name]?.elements ?? [], right?[name]?.elements ?? [])
    for index in 0..<max(a.count, b.count) {
      let place = "\(words) \(index + 1)"
      guard index < a.count, index < b.count else {
        let only = (a + b)[index < a.count ? index : a.count + index]
        let text = only["brief"]?.text ?? SideBySide.hex(only["final"] ?? only["hex"])
        items.append(
          Item(
            step: step, subject: place, engine: index < a.count ? text : "none", kernel: index < b.count ? text : "none"))
        continue
      }
      compare(step, place + ": ", a[index], b[index], members: members)
    }
  }

  private mutating func compare(_ step: Int?, _ prefix: String, _ left: JSONValue?, _ right: JSONValue?, members: Members) {
    for (name, words) in members {
      let (a, b) = (left?[name], right?[name])
      guard !comparison.differencesOfMasked(a, b, name: name).isEmpty else { continue }
      let subject = prefix + words
      switch name {
      case "hits", "hits6", "conntrack", "expect": compare(step, subject, keyed: a, b, name)
      case "final", "hex":
        let place = SideBySide.firstDifference(a, b).map { ", starting at byte \($0)" } ?? ""
        items.append(Item(step: step, subject: subject + place, engine: SideBySide.hex(a), kernel: SideBySide.hex(b)))
      case "verdict" where a?["verdict"] != nil || b?["verdict"] != nil:
        items.append(Item(step: step, subject: subject, engine: SideBySide.verdict(a), kernel: SideBySide.verdict(b)))
      default: items.append(Item(step: step, subject: subject, engine: SideBySide.plain(a), kernel: SideBySide.plain(b)))
      }
    }
  }

  // MARK: Lists without an order

  private mutating func compare(_ step: Int?, _ subject: String, keyed left: JSONValue?, _ right: JSONValue?, _ name: String) {
    let (a, b) = (left?.elements ?? [], right?.elements ?? [])
    func key(_ element: JSONValue) -> String {
      if let rule = element.elements, rule.count == 5 {
        return "\(rule[0].text ?? "") \(rule[1].text ?? "") " + (rule[3 - 1] == .integer(0) ? "policy" : "\(rule[2])")
      }
      return SideBySide.plain(element["orig"] ?? element["tuple"]) + " zone \(SideBySide.plain(element["zone"]))"
    }
    var keys: [String] = []
    for element in a + b where !keys.contains(key(element)) { keys.append(key(element)) }
    for wanted in keys {
      let (mine, theirs) = (a.filter { key($0) == wanted }, b.filter { key($0) == wanted })
      guard !comparison.differencesOfMasked(.array(mine), .array(theirs), name: name).isEmpty else { continue }
      let place = name.hasPrefix("hits") ? ": \(wanted)" : ""
      items.append(
        Item(
          step: step, subject: subject + place, engine: SideBySide.entries(mine), kernel: SideBySide.entries(theirs)))
    }
  }

  private static func entries(_ entries: [JSONValue]) -> String {
    guard !entries.isEmpty else { return "none" }
    return entries.map { entry in
      guard let rule = entry.elements, rule.count == 5 else { return plain(entry) }
      return count(.array(Array(rule[3...])))
    }.joined(separator: "; ")
  }

  private static func count(_ pair: JSONValue?) -> String {
    guard let numbers = pair?.elements, numbers.count == 2 else { return plain(pair) }
    return "\(numbers[0]) packets, \(numbers[1]) bytes"
  }

  // MARK: Counters at the end

  /// Compares the counters of all rules at the end. Differences already reported for a step are skipped.
  private mutating func compare(counters left: JSONValue, _ right: JSONValue) {
    let isKnown = items.contains { $0.subject.hasPrefix("counters") }
    for name in ["counters", "counters6"] where !isKnown {
      for difference in comparison.differencesOfMasked(left[name], right[name], name: name, limit: 8) {
        items.append(
          Item(
            step: nil, subject: "\(name == "counters" ? "counters" : "counters of IPv6"): \(difference.path)",
            engine: SideBySide.plain(difference.left), kernel: SideBySide.plain(difference.right)))
      }
    }
  }

  // MARK: Words

  private static func verdict(_ value: JSONValue?) -> String {
    guard let value, let kind = value["verdict"]?.text else { return plain(value) }
    var text = kind == "none" ? "refused" : kind
    if let out = value["out"]?.text { text += " \(out)" }
    if let queue = value["queue"]?.integer { text += " \(queue)" }
    if let hook = value["where"]?.text { text += " at \(hook)" }
    if let by = value["by"]?.text { text += " by \(by)" }
    return text
  }

  /// A packet's bytes with a short description.
  private static func hex(_ value: JSONValue?) -> String {
    guard let text = value?.text, let bytes = Hex.bytes(text) else { return plain(value) }
    return "\(text) (\(Packet(bytes: bytes).brief))"
  }

  private static func firstDifference(_ left: JSONValue?, _ right: JSONValue?) -> Int? {
    guard let a = left?.text.flatMap({ Hex.bytes($0) }), let b = right?.text.flatMap({ Hex.bytes($0) }) else { return nil }
    return zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(a.count, b.count)
  }

  private static func plain(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null?: "none"
    case .string(let text)?: text
    case .array(let elements)? where !elements.isEmpty && elements.allSatisfy { $0.text != nil }:
      elements.compactMap(\.text).joined(separator: ", ")
    case let value?: value == .array([]) ? "none" : value.description
    }
  }
}
