public import Kernel
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
  /// `xtables-legacy-multi` or `xtables-nft-multi` without the name of a command.
  case unnamed

  /// The sub-commands of `xtables-legacy-multi`, or of `xtables-nft-multi`, in the order in which it lists them.
  static func subcommands(_ backend: Backend) -> [(name: String, program: Program)] { backend == .nft ? nftCommands : legacyCommands }

  private static let nftCommands: [(name: String, program: Program)] =
    [("iptables-xml", .xml), ("xml", .xml)]
    + [(Family.ipv4, "4"), (.ipv6, "6")].flatMap { family, number in
      let name = family.command
      return [
        (name, Program.command(family)), ("\(name)-nft", .command(family)), ("main\(number)", .command(family)),
        ("save\(number)", .save(family)), ("restore\(number)", .restore(family)), ("\(name)-save", .save(family)),
        ("\(name)-restore", .restore(family)), ("\(name)-nft-save", .save(family)), ("\(name)-nft-restore", .restore(family)),
      ]
    }

  private static let legacyCommands: [(name: String, program: Program)] = [
    ("iptables", .command(.ipv4)), ("main4", .command(.ipv4)), ("iptables-save", .save(.ipv4)), ("save4", .save(.ipv4)),
    ("iptables-restore", .restore(.ipv4)), ("restore4", .restore(.ipv4)), ("iptables-legacy", .command(.ipv4)),
    ("iptables-legacy-save", .save(.ipv4)), ("iptables-legacy-restore", .restore(.ipv4)), ("iptables-xml", .xml),
    ("xml", .xml), ("ip6tables", .command(.ipv6)), ("main6", .command(.ipv6)), ("ip6tables-save", .save(.ipv6)),
    ("save6", .save(.ipv6)), ("ip6tables-restore", .restore(.ipv6)), ("restore6", .restore(.ipv6)),
    ("ip6tables-legacy", .command(.ipv6)), ("ip6tables-legacy-save", .save(.ipv6)),
    ("ip6tables-legacy-restore", .restore(.ipv6)),
  ]

  /// The program with a name in one of the variants of iptables; nil if there is none.
  public init?(named name: String, _ backend: Backend = .legacy) {
    guard let found = Self.subcommands(backend).first(where: { $0.name == name }) else { return nil }
    self = found.program
  }

  /// Whether the program refuses to run with set-user-ID rights. iptables-xml and the list of commands do not use the kernel and
  /// accept them.
  var refusesSetUserID: Bool { usesTables }

  /// Whether the program reads or changes the kernel's tables.
  var usesTables: Bool {
    switch self {
    case .command, .save, .restore: true
    case .xml, .unnamed: false
    }
  }

  /// The name of the program in the messages of iptables-legacy, independent of the name it was called by.
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
  /// - Parameters:
  ///   - arguments: the arguments of the process, its own name first.
  ///   - backends: the variants of iptables to look for, in this order: names such as `iptables` are those of the first.
  /// - Returns: nil if the process was not called as one of these programs.
  public static func called(_ arguments: [String], _ backends: [Backend] = Backend.allCases) -> Call? {
    guard let first = arguments.first else { return nil }
    let own = first.split(separator: "/").last.map(String.init) ?? first
    for backend in backends {
      if let program = Program(named: own, backend) { return Call(program, Array(arguments.dropFirst()), first, backend) }
    }
    for backend in backends where arguments.count > 1 {
      if let program = Program(named: arguments[1], backend) { return Call(program, Array(arguments.dropFirst(2)), arguments[1], backend) }
    }
    return backends.first { own == "xtables-\($0.rawValue)-multi" }.map { Call(.unnamed, [], first, $0) }
  }

  /// How a process was called.
  public struct Call: Sendable {
    /// The program.
    public let program: Program
    /// Its arguments.
    public let arguments: [String]
    /// The name it was called by.
    public let name: String
    /// The variant of iptables.
    public let backend: Backend

    /// Creates a call.
    public init(_ program: Program, _ arguments: [String], _ name: String, _ backend: Backend) {
      (self.program, self.arguments, self.name, self.backend) = (program, arguments, name, backend)
    }
  }
}
