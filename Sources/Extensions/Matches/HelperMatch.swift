import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches connections that a helper expected. Kernel: `xt_helper`, revision 0.
public enum HelperMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_helper_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var inverted: Int32 = 0
    var helper = FixedName<30>()
    var padding: UInt16 = 0
  }

  public static let name = "helper"
  public static let families: Families = .both
  public static let summary = "matches connections expected by a conntrack helper"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option("--helper", .name(placeholder: "name"), \.helper, invert: .flag(\.inverted), .mandatory, "name of the helper: ftp, sip")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_helper_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--helper tftp", "eth1 udp 10.0.1.9:3000 > 10.0.0.9:1000", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:69 data=000161006f6374657400"],
      given: tftp),
    .misses(
      "--helper ftp", "eth1 udp 10.0.1.9:3000 > 10.0.0.9:1000", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:69 data=000161006f6374657400"],
      given: tftp),
    .accepts("! --helper ftp-2121"), .rejects(""),
  ]

  /// A rule that assigns helper tftp to connections to port 69.
  private static let tftp = Example.Given(rules: ["-t raw -A PREROUTING -p udp --dport 69 -j CT --helper tftp"])

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("helper match \(info.inverted != 0 ? "! " : "")\"")
    text.glue(bytes: info.helper.bytes)
    text.glue("\"")
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .equals(.masterHelper(info.helper.bytes), 1).inverted(info.inverted != 0)
  }
}

extension Field {
  /// True if the master of the packet's connection has a helper whose name is a prefix of the wanted name.
  ///
  /// The corresponding kernel function is `helper_mt`.
  fileprivate static func masterHelper(_ wanted: [UInt8]) -> Field {
    Field("ct.master.helper.\(String(decoding: wanted, as: UTF8.self))", bits: 1, FieldTraits(.context, .value)) { context in
      guard let handle = context.attachment.connection, let table = context.world.conntrack,
        let master = table.master(of: handle), let name = table.helperName(of: master)
      else { return .value(0) }
      return .of(wanted.isEmpty || wanted.starts(with: name.utf8))
    }
  }
}
