package import Documents

/// A routing rule in the output of `ip -j rule`.
package struct ListedRule {
  package let priority: Int
  /// A member that is not understood; nil if all are. ``words`` lacks what it says.
  package let unknownMember: String?
  /// The words behind `ip rule add`.
  package let words: [String]
  /// True for a rule that every new namespace has.
  package let isUsual: Bool

  /// The table of each rule that every new namespace has, by priority. IPv6 has no rule 32767.
  private static let usualTables = [0: "local", 32766: "main", 32767: "default"]

  /// The priorities of the rules that every new namespace has.
  package static var usual: [Int] { usualTables.keys.sorted() }

  /// The line of `ip -batch` that deletes a rule which every new namespace has.
  package static func deletion(of priority: Int) -> String { "rule del priority \(priority) table \(usualTables[priority] ?? "main")" }

  /// Returns nil for a value that is no rule.
  package init?(_ rule: JSONValue) {
    guard case .object(let object) = rule, let priority = rule["priority"]?.integer else { return nil }
    self.priority = priority
    let members = Set(object.members.map(\.name)).subtracting(["priority", "src", "table", "protocol", "action"])
    isUsual =
      Self.usualTables[priority] != nil && rule["table"]?.text == Self.usualTables[priority] && rule["src"]?.text == "all"
      && members.isEmpty
    unknownMember = object.members.first { !Self.known.contains($0.name) }?.name
    var words = object["not"] != nil ? ["not"] : []
    for (key, length, word) in [("src", "srclen", "from"), ("dst", "dstlen", "to")] {
      guard let address = rule[key]?.text, address != "all" else { continue }
      words += [word, address + (rule[length]?.integer.map { "/\($0)" } ?? "")]
    }
    if let mark = rule["fwmark"]?.text { words += ["fwmark", mark + (rule["fwmask"]?.text.map { "/\($0)" } ?? "")] }
    for key in ["iif", "oif"] { if let name = rule[key]?.text { words += [key, name] } }
    for key in ["tos", "ipproto"] { if let value = rule[key]?.text { words += [key, value] } }
    for key in ["sport", "dport"] {
      if let port = rule[key]?.integer { words += [key, "\(port)"] }
      if let first = rule["\(key)_start"]?.integer, let last = rule["\(key)_end"]?.integer { words += [key, "\(first)-\(last)"] }
    }
    if let first = rule["uid_start"]?.integer, let last = rule["uid_end"]?.integer { words += ["uidrange", "\(first)-\(last)"] }
    self.words =
      words + ["priority", "\(priority)"] + Self.realms(from: rule["flow_from"], to: rule["flow_to"]) + Self.action(rule, object)
  }

  /// The words for the realms of a route or rule; none if there is no realm of the destination.
  package static func realms(from: JSONValue?, to: JSONValue?) -> [String] {
    to?.text.map { ["realms", [from?.text, $0].compactMap { $0 }.joined(separator: "/")] } ?? []
  }

  private static func action(_ rule: JSONValue, _ object: JSONObject) -> [String] {
    if let target = rule["goto"]?.integer { return ["goto", "\(target)"] }
    if object["nop"] != nil { return ["nop"] }
    if let action = rule["action"]?.text, action != "to_tbl" { return [action] }
    return ["table", rule["table"]?.text ?? "main"]
      + (rule["suppress_prefixlen"]?.integer.map { ["suppress_prefixlength", "\($0)"] } ?? [])
  }

  private static let known: Set<String> = [
    "priority", "src", "srclen", "dst", "dstlen", "fwmark", "fwmask", "iif", "oif", "table", "action", "protocol", "not", "tos", "ipproto",
    "sport", "sport_start", "sport_end", "dport", "dport_start", "dport_end", "uid_start", "uid_end", "suppress_prefixlen", "goto", "nop",
    "flow_from", "flow_to",
  ]
}
