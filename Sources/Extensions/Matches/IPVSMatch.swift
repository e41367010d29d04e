import CNetfilter
public import Wire
public import XTables

/// Matches the IPVS load balancer's data of a packet. Kernel: `xt_ipvs`, revision 0.
public enum IPVSMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_ipvs_mtinfo`.
  public struct Info: BitwiseCopyable, Sendable {
    var address = InetNetwork()
    var port = NetworkOrder<UInt16>()
    var protocolNumber: UInt8 = 0
    var method: UInt8 = 0
    var controlPort = NetworkOrder<UInt16>()
    var inverted: UInt8 = 0
    var matched: UInt8 = 0
  }

  /// The bits of `bitmask` and `invert`: `XT_IPVS_*`.
  private enum Flag {
    static let ipvs: UInt8 = 0x01
    static let protocolNumber: UInt8 = 0x02
    static let address: UInt8 = 0x04
    static let port: UInt8 = 0x08
    static let direction: UInt8 = 0x10
    static let method: UInt8 = 0x20
    static let controlPort: UInt8 = 0x40
  }

  public static let name = "ipvs"
  public static let families: Families = .both
  public static let needs: [HostFact] = [.loadBalancer]
  public static let summary = "matches properties of the packet's IPVS connection"
  public static let initial = Info()

  private static func test<Value>(
    _ name: String, _ syntax: ValueSyntax<Value>, _ path: any WritableKeyPath<Info, Value> & Sendable, _ flag: UInt8, _ summary: String
  ) -> Option<Info> {
    Option(name, syntax, path, invert: inversion(flag), present: .bits(\.matched, flag), .plain, summary)
  }

  private static func inversion(_ flag: UInt8) -> Inversion<Info> {
    Inversion(get: { $0.inverted & flag != 0 }, set: { if $1 { $0.inverted |= flag } })
  }

  private static let port = ValueSyntax<NetworkOrder<UInt16>>(
    placeholder: "port", grammar: "port", samples: ["80", "65535"], nearMisses: ["nosuchservice", "-1"],
    parse: { token, arguments throws(OptionError) in NetworkOrder(try token.resolvedPort(arguments)) },
    print: { port, text in text.word(String(port.value)) })

  /// The forwarding methods with their `IP_VS_CONN_F_*` numbers.
  private static let methods: [(name: String, number: UInt8)] = [("GATE", 3), ("IPIP", 2), ("MASQ", 0)]
  private static let method = ValueSyntax<UInt8>(
    placeholder: "GATE|IPIP|MASQ", grammar: "\"GATE\" | \"IPIP\" | \"MASQ\"", samples: ["GATE", "ipip", "MASQ"], nearMisses: ["", "NAT"],
    parse: { token, arguments throws(OptionError) in
      guard let found = methods.first(where: { $0.name.equalsIgnoringCase(token) }) else {
        throw arguments.badValue(hint: "write GATE, IPIP or MASQ")
      }
      return found.number
    },
    print: { number, text in text.word(methods.first { $0.number == number }?.name ?? "UNKNOWN") })

  public static let options: [Option<Info>] = [
    Option(
      flag: "--ipvs", present: Presence(get: { $0.matched == Flag.ipvs }, set: { $0.matched |= Flag.ipvs }),
      invert: inversion(Flag.ipvs), .plain, "the packet belongs to IPVS"),
    test("--vproto", .protocolNumber, \.protocolNumber, Flag.protocolNumber, "protocol of the service"),
    test("--vaddr", .hostMask, \.address, Flag.address, "address of the service"),
    test("--vport", port, \.port, Flag.port, "port of the service"),
    Option(
      "--vdir", arity: 1, placeholder: "ORIGINAL|REPLY", grammar: "\"ORIGINAL\" | \"REPLY\"", samples: ["ORIGINAL", "reply"],
      nearMisses: ["", "BOTH"], .plain, "direction in which the packet flows",
      read: { info, arguments throws(OptionError) in
        let isReply = "REPLY".equalsIgnoringCase(arguments.token)
        guard isReply || "ORIGINAL".equalsIgnoringCase(arguments.token) else { throw arguments.badValue(hint: "write ORIGINAL or REPLY") }
        info.matched |= Flag.direction
        if isReply { info.inverted |= Flag.direction }
      },
      write: { info, text in
        guard info.matched & Flag.direction != 0 else { return }
        text.option("--vdir")
        text.word(info.inverted & Flag.direction != 0 ? "REPLY" : "ORIGINAL")
      }),
    test("--vmethod", method, \.method, Flag.method, "the forwarding method of IPVS"),
    test("--vportctl", port, \.controlPort, Flag.controlPort, "port of the controlling connection: 21 for FTP"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_ipvs_mtinfo>.size)]
  public static let examples: [Example] = [
    .unknown("--ipvs", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", because: "the connections of IPVS are not modelled"),
    .accepts("! --ipvs"), .accepts("--vproto tcp --vport 80", saved: "--vproto 6 --vport 80"),
    .accepts("--vaddr 1.2.3.4 --vdir REPLY ! --vmethod GATE --vportctl 21", family: .ipv4), .rejects("! --ipvs --vproto 6"),
    .rejects("--vdir BOTH"), .rejects(""),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "IPVS: At least one option is required") }
    guard info.matched & ~Flag.ipvs != 0 else { return }
    if info.inverted & Flag.ipvs != 0 { throw OptionError("exclusive-options", "! --ipvs cannot be together with other options") }
    info.matched |= Flag.ipvs
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    func item(_ flag: UInt8, _ name: String, _ write: (inout RuleText) -> Void) {
      guard info.matched & flag != 0 else { return }
      text.option(name, inverted: info.inverted & flag != 0)
      write(&text)
    }
    if info.matched == Flag.ipvs { text.option("ipvs", inverted: info.inverted & Flag.ipvs != 0) }
    item(Flag.protocolNumber, "vproto") { $0.word(String(info.protocolNumber)) }
    item(Flag.address, "vaddr") { $0.network(info.address, numeric: numeric) }
    item(Flag.port, "vport") { $0.word(String(info.port.value)) }
    if info.matched & Flag.direction != 0 { text.word("vdir \(info.inverted & Flag.direction != 0 ? "REPLY" : "ORIGINAL")") }
    item(Flag.method, "vmethod") { $0.word(methods.first { $0.number == info.method }?.name ?? "UNKNOWN") }
    item(Flag.controlPort, "vportctl") { $0.word(String(info.controlPort.value)) }
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .unknown(UnknownReason("-m ipvs", lacking: .loadBalancer))
  }
}
