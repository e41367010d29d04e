import CNetfilter
public import Wire
public import XTables

/// Writes an audit record about the packet. Kernel: `xt_AUDIT`, revision 0.
public enum AuditTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_audit_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var type: UInt8 = 0
  }

  private static let types = ["accept", "drop", "reject"]

  public static let name = "AUDIT"
  public static let families: Families = .both
  public static let summary = "writes an audit record about the packet"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--type", arity: 1, placeholder: types.joined(separator: "|"),
      grammar: types.map { "\"\($0)\"" }.joined(separator: " | "), samples: types + ["DROP"], nearMisses: ["acc", ""], .mandatory,
      "the verdict to write into the record",
      read: { info, arguments throws(OptionError) in
        guard let type = types.firstIndex(where: { $0.equalsIgnoringCase(arguments.token) }) else {
          throw OptionError(
            "bad-value", "Bad action type value \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "the types are accept, drop and reject")
        }
        info.type = UInt8(type)
      },
      write: { info, text in
        guard info.type < types.count else { return }
        text.option("--type")
        text.word(types[Int(info.type)])
      })
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_audit_info>.size)]
  public static let examples: [Example] = [
    .passes("--type accept", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", because: "the kernel writes an audit record"),
    .accepts("--type drop"), .rejects(""), .rejects("--type wrong"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("AUDIT \(Int(info.type) < types.count ? types[Int(info.type)] : "")")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.type >= types.count { throw .kernel("AUDIT: there is no type \(info.type)") }
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  /// The corresponding kernel function is `audit_tg`; the record is of type NETFILTER_PKT.
  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    var record = "mark=0x" + String(packet.mark == 0 ? UInt32.max : packet.mark, radix: 16)
    if let source = packet.packet.source, let destination = packet.packet.destination, let transport = packet.packet.transport {
      record += " saddr=\(source) daddr=\(destination) proto=\(transport.proto.rawValue)"
    } else {
      record += " saddr=? daddr=? proto=-1"
    }
    packet.note { _ in .note("audit record: \(record)") }
    return .proceed
  }
}
