import Diagnostics
import Kernel
import Linter

/// The ruleset files that the arguments of `ferrule lint` name: files, patterns, and folders with everything below them.
struct LintInputs {
  /// The paths in the order of the arguments; the files of a folder are sorted by name.
  private(set) var paths: [String] = []
  /// The folders and patterns that have no ruleset.
  private(set) var empty: [String] = []
  /// The greatest depth of folders, and the greatest number of files.
  private static let deepest = 32
  private static let most = 200_000

  /// The ends of the names of rulesets in a folder, besides the names of the files of distributions.
  private static let suffixes = [".rules", ".v4", ".v6", "iptables-save", "ip6tables-save", ".rules4", ".rules6", ".ipt"]
  private static let names: Set<String> = ["iptables", "ip6tables", "iptables.save", "ip6tables.save"]

  init(_ arguments: [String]) {
    for argument in arguments {
      let before = paths.count
      if argument != "-", HostFile.entries(of: argument) != nil {
        add(folder: argument, depth: 0)
      } else if argument != "-", !GlobPattern(argument).isLiteral, HostFile.state(of: argument) == nil {
        add(pattern: argument)
      } else {
        paths.append(argument)
      }
      if paths.count == before { empty.append(argument) }
    }
  }

  /// Whether a file of a folder is a ruleset, by its name.
  static func isRuleset(_ name: String) -> Bool {
    let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    return names.contains(plain) || suffixes.contains { plain.hasSuffix($0) }
  }

  private mutating func add(folder: String, depth: Int) {
    guard depth < Self.deepest, paths.count < Self.most, let entries = HostFile.entries(of: folder) else { return }
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    for entry in entries.sorted() where !entry.hasPrefix(".") {
      let path = base + entry
      if Self.isRuleset(entry), HostFile.entries(of: path) == nil {
        paths.append(path)
      } else if HostFile.entries(of: path) != nil {
        add(folder: path, depth: depth + 1)
      }
    }
  }

  /// Adds the files that match a pattern, from its last folder without a special character on.
  private mutating func add(pattern: String) {
    let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
    let literal = parts.prefix { GlobPattern(String($0)).isLiteral }
    let base = literal.joined(separator: "/")
    let root = literal.isEmpty ? "" : base.isEmpty ? "/" : base + "/"
    let glob = GlobPattern(parts.dropFirst(literal.count).joined(separator: "/"))
    var found: [String] = []
    func search(_ folder: String, _ relative: String, _ depth: Int) {
      guard depth < Self.deepest, found.count < Self.most, let entries = HostFile.entries(of: folder.isEmpty ? "." : folder) else { return }
      for entry in entries.sorted() where !entry.hasPrefix(".") {
        let path = relative + entry
        if HostFile.entries(of: root + path) != nil {
          search(root + path + "/", path + "/", depth + 1)
        } else if glob.matches(Array(path.utf8)[...]) {
          found.append(root + path)
        }
      }
    }
    search(root, "", 0)
    paths += found
  }
}
