public import Wire
public import XTables

/// One of the commands of the iptables package that Ferrule answers as.
public enum Program: Sendable, Hashable {
  case command(Family)
  case save(Family)
  case restore(Family)
  case xml

  /// The program a name stands for, as the sub-commands of `xtables-legacy-multi` are called.
  public init?(named name: String) {
    let (family, rest): (Family, Substring) =
      name.hasPrefix("ip6tables") ? (.ipv6, name.dropFirst(9)) : name.hasPrefix("iptables") ? (.ipv4, name.dropFirst(8)) : (.ipv4, "?")
    switch (rest, name) {
    case ("", _), ("-legacy", _): self = .command(family)
    case ("-save", _), ("-legacy-save", _): self = .save(family)
    case ("-restore", _), ("-legacy-restore", _): self = .restore(family)
    case ("-xml", "iptables-xml"), (_, "xml"): self = .xml
    case (_, "main4"): self = .command(.ipv4)
    case (_, "main6"): self = .command(.ipv6)
    case (_, "save4"): self = .save(.ipv4)
    case (_, "save6"): self = .save(.ipv6)
    case (_, "restore4"): self = .restore(.ipv4)
    case (_, "restore6"): self = .restore(.ipv6)
    default: return nil
    }
  }

  /// The name the program gives itself in messages.
  public var name: String {
    switch self {
    case .command(let family): family.command
    case .save(let family): family.command + "-save"
    case .restore(let family): family.command + "-restore"
    case .xml: "iptables-xml"
    }
  }

  /// The program a process was called as: by its own name, or by its first argument where that is one of the names or the
  /// process is called `xtables-legacy-multi`.
  public static func called(_ arguments: [String]) -> (program: Program, arguments: [String])? {
    guard let first = arguments.first else { return nil }
    let own = first.split(separator: "/").last.map(String.init) ?? first
    if let program = Program(named: own) { return (program, Array(arguments.dropFirst())) }
    guard arguments.count > 1, let program = Program(named: arguments[1]) else { return nil }
    return (program, Array(arguments.dropFirst(2)))
  }
}
