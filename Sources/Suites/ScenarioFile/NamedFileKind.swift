/// Checks a file that a scenario file refers to by its first line. A file of another kind is refused before further parsing, so that no message
/// quotes its text: the user may not be meant to read it.
enum NamedFileKind {
  case rules, sets, fingerprints, connections, snapshot

  var title: String {
    switch self {
    case .rules: "a ruleset (iptables-save text)"
    case .sets: "output of `ipset save'"
    case .fingerprints: "a list of OS fingerprints (pf.os)"
    case .connections: "output of `conntrack -L'"
    case .snapshot: "a snapshot of `ferrule snapshot'"
    }
  }

  /// True if the first line that is not a comment fits the kind, or if there is no such line.
  func fits(_ bytes: [UInt8]) -> Bool {
    let first = bytes.split(separator: UInt8(ascii: "\n")).lazy
      .map { String(decoding: $0.prefix(4096), as: UTF8.self).drop(while: \.isWhitespace) }
      .first { !$0.isEmpty && $0.first != "#" }
    guard let first else { return true }
    let word = first.prefix { !$0.isWhitespace }
    switch self {
    case .rules: return ["*", ":", "[", "-A", "-I", "-P", "-N", "COMMIT"].contains { first.hasPrefix($0) }
    case .sets: return ["create", "-N", "--create", "add", "-A", "--add", "COMMIT"].contains(word)
    case .fingerprints:
      // The fields are: window size, TTL, don't-fragment flag, packet size, and others.
      let fields = first.split(separator: ":", omittingEmptySubsequences: false)
      return fields.count >= 4 && UInt8(fields[1]) != nil && (fields[2] == "0" || fields[2] == "1")
    case .connections: return first.contains("src=") && first.contains("dst=")
    // The kind is checked when the document is parsed.
    case .snapshot: return true
    }
  }
}
