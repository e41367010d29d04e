import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Shares an address among hosts that all receive its packets. Kernel: `ipt_CLUSTERIP`, removed in Linux 6.3.
public enum ClusterIPTarget: TargetExtension {
  /// The corresponding kernel structure is `ipt_clusterip_tgt_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: UInt32 = 0
    var hardwareAddress = EthernetAddress()
    var nodes: UInt16 = 0
    var localCount: UInt16 = 0
    var localNodes = InlineArray<16, UInt16>(repeating: 0)
    var padding: UInt16 = 0
    var hashMode: UInt32 = 0
    var hashStart: UInt32 = 0
    /// A pointer used by the kernel only; 0 in a rule's text.
    var state: UInt64 = 0
  }

  /// `CLUSTERIP_FLAG_NEW`.
  private static let isNew: UInt32 = 1
  private static let modes = ["sourceip", "sourceip-sourceport", "sourceip-sourceport-destport"]

  public static let name = "CLUSTERIP"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.sometimes
  public static let summary = "shares an address among hosts that all receive its packets; removed in Linux 6.3"
  public static let initial = Info()

  private static let needed = ["--new", "--hashmode", "--clustermac", "--total-nodes", "--local-node"]

  public static let options: [Option<Info>] = [
    Option(flag: "--new", present: .bits(\.flags, isNew), .plain, "create a new cluster"),
    Option(
      "--hashmode", arity: 1, placeholder: "mode", grammar: modes.map { "\"\($0)\"" }.joined(separator: " | "), samples: modes,
      nearMisses: ["source"], .plain, "what decides which host answers",
      read: { info, arguments throws(OptionError) in
        guard let mode = modes.firstIndex(where: { arguments.token == $0 }) else {
          throw OptionError(
            "bad-value", "Unknown hashmode \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "the modes are \(modes.joined(separator: ", "))")
        }
        info.hashMode = UInt32(mode)
      },
      write: { info, text in
        guard info.flags & isNew != 0 else { return }
        text.option("--hashmode")
        text.word(info.hashMode < modes.count ? modes[Int(info.hashMode)] : "unknown-error")
      }),
    Option(
      "--clustermac", arity: 1, placeholder: "XX:XX:XX:XX:XX:XX", grammar: "mac-address", samples: ["01:00:5E:00:00:20"],
      nearMisses: ["00:00:5E:00:00:20", "x"], .plain, "the multicast address they share",
      read: { info, arguments throws(OptionError) in
        info.hardwareAddress = try ValueSyntax.ethernet.parse(arguments.token, arguments)
        guard info.hardwareAddress.address.isMulticast else {
          throw OptionError(
            "bad-value", "MAC has to be a multicast ethernet address", at: arguments.token.range,
            hint: "its first octet is odd")
        }
      },
      write: { info, text in
        guard info.flags & isNew != 0 else { return }
        text.option("--clustermac")
        text.word(info.hardwareAddress.address.description.uppercased())
      }),
    number("--total-nodes", .unsigned(0...16), "the number of hosts", get: { $0.nodes }, set: { $0.nodes = $1 }),
    number(
      "--local-node", .unsigned(0...16), "which of them this is", get: { $0.localNodes[0] },
      set: {
        $0.localNodes[0] = $1
        $0.localCount = 1
      }),
    number("--hash-init", .unsigned(), "the start value of the hash", get: { $0.hashStart }, set: { $0.hashStart = $1 }),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(ipt_clusterip_tgt_info_size), userSize: 56)]
  public static let examples: [Example] = [
    .unknown(
      "--new --hashmode sourceip --clustermac 01:00:5E:00:00:20 --total-nodes 2 --local-node 1 --hash-init 0",
      "eth0 udp 10.0.0.9:1000 > 10.0.0.200:53", because: "Linux 6.3 removed CLUSTERIP",
      given: .init(host: ["host: {interfaces: {eth0: [10.0.0.1/24, 10.0.0.200/24]}}"]), before: "-d 10.0.0.200 -i eth0",
      family: .ipv4, chain: .input),
    .accepts(
      "--new --hashmode sourceip --clustermac 01:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 --hash-init 1",
      before: "-d 192.0.2.1 -i eth0", family: .ipv4),
    .rejects("--new", before: "-d 192.0.2.1 -i eth0", family: .ipv4),
  ]

  private static func number<Value: FixedWidthInteger & UnsignedInteger & Sendable>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ summary: String, get: @escaping @Sendable (Info) -> Value,
    set: @escaping @Sendable (inout Info, Value) -> Void
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, .plain, summary,
      read: { info, arguments throws(OptionError) in set(&info, try syntax.parse(arguments.token, arguments)) },
      write: { info, text in
        guard info.flags & isNew != 0 else { return }
        text.option(name)
        text.word(String(get(info)))
      })
  }

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty || needed.allSatisfy(seen.contains) { return }
    throw OptionError(
      "missing-option", "CLUSTERIP target: Invalid parameter combination", hint: "give \(needed.joined(separator: ", "))")
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("CLUSTERIP")
    guard info.flags & isNew != 0 else { return }
    text.word("hashmode=\(info.hashMode < modes.count ? modes[Int(info.hashMode)] : "unknown-error") clustermac=")
    text.glue(.ethernet, info.hardwareAddress)
    text.word("total_nodes=\(info.nodes) local_node=\(info.localNodes[0]) hash_init=\(info.hashStart)")
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    .unknown(UnknownReason("-j CLUSTERIP", needs: "kernel support, which Linux 6.3 removed"))
  }
}
