/// What a file must look like that a scenario file names. A file of another kind is refused before it is read further, so that no message
/// quotes a line of it: the name may be that of a file which its reader should not see.
enum NamedFileKind {
  case rules, sets, fingerprints, connections, snapshot

  var title: String {
    switch self {
    case .rules: "iptables-save text"
    case .sets: "what `ipset save' prints"
    case .fingerprints: "a list of fingerprints (pf.os)"
    case .connections: "what `conntrack -L' prints"
    case .snapshot: "a snapshot of `ferrule snapshot'"
    }
  }

  /// Whether the first line that is no comment is one of such a file; true where there is none.
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
      // Window, lifetime, whether fragments are forbidden, size, and more.
      let fields = first.split(separator: ":", omittingEmptySubsequences: false)
      return fields.count >= 4 && UInt8(fields[1]) != nil && (fields[2] == "0" || fields[2] == "1")
    case .connections: return first.contains("src=") && first.contains("dst=")
    // Decided where the document is read.
    case .snapshot: return true
    }
  }
}
