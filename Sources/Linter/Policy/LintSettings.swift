public import Diagnostics
public import Wire
import XTables

/// What to report of a ruleset, and what is known of the network around it: the contents of `.ferrule.yml` and the options of `ferrule lint`.
public struct LintSettings: Sendable {
  /// The role of an interface.
  public enum Role: String, Sendable, CaseIterable {
    /// Packets of strangers arrive here.
    case external
    /// Packets of trusted hosts arrive here.
    case `internal`
    /// Virtual interfaces of containers or virtual machines.
    case container
  }

  /// A network as an address and a prefix length.
  public struct Network: Sendable, Hashable {
    /// The first address of the network.
    public let address: IPAddress
    /// The number of leading bits that all its addresses share.
    public let prefix: Int

    /// Reads `address/length` or an address; nil if the text is neither.
    public init?(_ text: String) {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
      let most = address.family == .ipv4 ? 32 : 128
      guard let prefix = parts.count == 2 ? Int(parts[1]) : most, (0...most).contains(prefix) else { return nil }
      self.address = address
      self.prefix = prefix
    }
  }

  /// Findings of these checks, and nothing else, are reported; nil for all. Each is a code, the beginning of one, an id, or a group.
  public var select: [String]?
  /// Findings of these checks are not reported.
  public var ignore: [String] = []
  /// The severity of the findings of a check; nil in the value turns the check off.
  public var severities: [(selector: String, severity: Severity?)] = []
  /// Checks that are not reported for files whose path matches.
  public var perFile: [(pattern: GlobPattern, ignore: [String])] = []
  /// Networks from which the host is administered, and which no ruleset may lock out.
  public var management: [Network] = []
  /// Roles of interfaces, by name; a name may end in `+`.
  public var roles: [(name: String, role: Role)] = []
  /// The versions of iptables and Linux for which the ruleset is meant.
  public var target = LintTarget()
  /// The least severity with which `ferrule lint` exits with status 1; nil if findings do not change the status. Errors of the file always do.
  public var failOn: Severity? = .warning

  /// Creates settings under which everything is reported.
  public init() {}

  /// Whether a text selects a diagnostic: `all`, its code or the beginning of it, its id, or its group.
  static func selects(_ selector: String, _ diagnostic: Diagnostic) -> Bool {
    if selector == "all" || selector == diagnostic.id { return true }
    guard let code = diagnostic.code else { return false }
    if selector.uppercased().hasPrefix("FE"), code.hasPrefix(selector.uppercased()) { return true }
    return CheckList.named(code)?.group.rawValue == selector
  }

  /// Whether a text can select anything: it is `all`, a group, an id, or the beginning of a code.
  public static func isSelector(_ text: String) -> Bool {
    if text == "all" || CheckGroup(rawValue: text) != nil || CheckList.named(text) != nil { return true }
    if DiagnosticCatalogue.explanation(text) != nil { return true }
    let folded = text.uppercased()
    return folded.count >= 2 && CheckList.all.contains { $0.code.hasPrefix(folded) }
  }

  /// The diagnostic as these settings report it; nil if they leave it out. An error because of which the file would not load is always
  /// reported.
  func applied(to diagnostic: Diagnostic, path: String) -> Diagnostic? {
    if diagnostic.severity == .error { return diagnostic }
    var diagnostic = diagnostic
    // The last matching line counts, so that a file can name a group first and exceptions after it.
    if let (_, severity) = severities.last(where: { Self.selects($0.selector, diagnostic) }) {
      guard let severity else { return nil }
      diagnostic.severity = severity
    }
    if let select, !select.contains(where: { Self.selects($0, diagnostic) }) { return nil }
    if ignore.contains(where: { Self.selects($0, diagnostic) }) { return nil }
    let local = perFile.filter { $0.pattern.matches(path: path) }.flatMap(\.ignore)
    return local.contains { Self.selects($0, diagnostic) } ? nil : diagnostic
  }

  /// The role of an interface that the settings give it; nil if they do not name it.
  func role(of interface: String) -> Role? {
    roles.last { name, _ in name.hasSuffix("+") ? interface.hasPrefix(name.dropLast()) : name == interface }?.role
  }
}

/// The version of a program, compared number by number.
public struct ProgramVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The numbers, the most significant first.
  public let numbers: [Int]

  /// Reads `1.8.11` or `6.12`; nil for other text.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...4).contains(parts.count), !parts.contains(nil) else { return nil }
    numbers = parts.compactMap { $0 }
  }

  /// Compares the numbers in order; a missing number counts as 0.
  public static func < (left: ProgramVersion, right: ProgramVersion) -> Bool {
    for index in 0..<max(left.numbers.count, right.numbers.count) {
      let one = index < left.numbers.count ? left.numbers[index] : 0
      let other = index < right.numbers.count ? right.numbers[index] : 0
      if one != other { return one < other }
    }
    return false
  }

  /// The numbers, separated by dots.
  public var description: String { numbers.map(String.init).joined(separator: ".") }
}

/// The versions of iptables and Linux for which a ruleset is meant.
public struct LintTarget: Sendable, Hashable {
  /// The version of iptables; nil if it is not known.
  public var tool: ProgramVersion?
  /// The version of the kernel; nil if it is not known.
  public var kernel: ProgramVersion?
  /// Creates a target of which nothing is known.
  public init() {}

  /// The distributions that can be named, with what they ship.
  private static let distributions: [(name: String, tool: String, kernel: String)] = [
    ("debian10", "1.8.2", "4.19"), ("debian11", "1.8.7", "5.10"), ("debian12", "1.8.9", "6.1"), ("debian13", "1.8.11", "6.12"),
    ("ubuntu20.04", "1.8.4", "5.4"), ("ubuntu22.04", "1.8.7", "5.15"), ("ubuntu24.04", "1.8.10", "6.8"), ("el7", "1.4.21", "3.10"),
    ("el8", "1.8.5", "4.18"), ("el9", "1.8.10", "5.14"), ("el10", "1.8.11", "6.12"),
  ]

  /// The names of the known distributions.
  public static var names: [String] { distributions.map(\.name) }

  /// Creates the target of a name; nil for an unknown name.
  public init?(named name: String) {
    self.init()
    guard let known = Self.distributions.first(where: { $0.name == name }) else { return nil }
    tool = ProgramVersion(known.tool)
    kernel = ProgramVersion(known.kernel)
  }
}
