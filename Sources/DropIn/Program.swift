public import Wire
import XTables

/// One of the commands of the iptables package that Ferrule can run as.
public enum Program: Sendable, Hashable {
  /// `iptables` or `ip6tables`.
  case command(Family)
  /// `iptables-save` or `ip6tables-save`.
  case save(Family)
  /// `iptables-restore` or `ip6tables-restore`.
  case restore(Family)
  /// `iptables-xml`.
  case xml
  /// `xtables-legacy-multi` without the name of a command.
  case unnamed

  /// The sub-commands of `xtables-legacy-multi` in the order in which it lists them.
  static let subcommands: [(name: String, program: Program)] = [
    ("iptables", .command(.ipv4)), ("main4", .command(.ipv4)), ("iptables-save", .save(.ipv4)), ("save4", .save(.ipv4)),
    ("iptables-restore", .restore(.ipv4)), ("restore4", .restore(.ipv4)), ("iptables-legacy", .command(.ipv4)),
    ("iptables-legacy-save", .save(.ipv4)), ("iptables-legacy-restore", .restore(.ipv4)), ("iptables-xml", .xml),
    ("xml", .xml), ("ip6tables", .command(.ipv6)), ("main6", .command(.ipv6)), ("ip6tables-save", .save(.ipv6)),
    ("save6", .save(.ipv6)), ("ip6tables-restore", .restore(.ipv6)), ("restore6", .restore(.ipv6)),
    ("ip6tables-legacy", .command(.ipv6)), ("ip6tables-legacy-save", .save(.ipv6)),
    ("ip6tables-legacy-restore", .restore(.ipv6)),
  ]

  /// The program with a name; nil if there is none.
  public init?(named name: String) {
    guard let found = Self.subcommands.first(where: { $0.name == name }) else { return nil }
    self = found.program
  }

  /// Whether the program refuses to run with set-user-ID rights. iptables-xml and the list of commands do not use the kernel and
  /// accept them.
  var refusesSetUserID: Bool {
    switch self {
    case .command, .save, .restore: true
    case .xml, .unnamed: false
    }
  }

  /// The name of the program in its messages, independent of the name it was called by.
  public var name: String {
    switch self {
    case .command(let family): family.command
    case .save(let family): family.command + "-save"
    case .restore(let family): family.command + "-restore"
    case .xml: "iptables-xml"
    case .unnamed: "xtables-legacy-multi"
    }
  }

  /// The program as which a process was called: by its own name, or by its first argument.
  ///
  /// - Parameter arguments: the arguments of the process, its own name first.
  /// - Returns: the program, its remaining arguments, and the name it was called by; nil if the process was not called as one of
  ///   these programs.
  public static func called(_ arguments: [String]) -> (program: Program, arguments: [String], name: String)? {
    guard let first = arguments.first else { return nil }
    let own = first.split(separator: "/").last.map(String.init) ?? first
    if let program = Program(named: own) { return (program, Array(arguments.dropFirst()), first) }
    if arguments.count > 1, let program = Program(named: arguments[1]) {
      return (program, Array(arguments.dropFirst(2)), arguments[1])
    }
    return own == Program.unnamed.name ? (.unnamed, [], first) : nil
  }
}
