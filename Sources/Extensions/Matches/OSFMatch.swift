import CNetfilter
public import Wire
public import XTables

/// Matches the operating system that a SYN's fingerprint indicates. Kernel: `xt_osf`, revision 0, which ignores `!`, and ignores `--genre`
/// if `--log` is given.
public enum OSFMatch: MatchExtension {
  /// The corresponding kernel structure is `nf_osf_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var genre = FixedName<32>()
    var length: UInt32 = 0
    var flags: UInt32 = 0
    var log: UInt32 = 0
    var ttl: UInt32 = 0
  }

  /// The bits of `flags`: `NF_OSF_*`.
  private enum Flag {
    static let ttl: UInt32 = 0x02
    static let log: UInt32 = 0x04
    static let inverted: UInt32 = 0x08
  }

  /// `NF_OSF_LOGLEVEL_FIRST`: logs only the first matching fingerprint.
  private enum LogLevel {
    static let first: UInt32 = 1
  }

  public static let name = "osf"
  public static let families: Families = .ipv4
  public static let summary = "matches the operating system that the fingerprint of a SYN packet suggests"
  public static let traits: ExtensionTraits = .machineWide
  public static let needs: [HostFact] = [.fingerprints]
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.input, .prerouting, .forward], protocols: [6]) }

  public static let options: [Option<Info>] = [
    Option(
      "--genre", .bareName(placeholder: "name"), \.genre, invert: .bits(\.flags, Flag.inverted), .mandatory, "name of the operating system"),
    Option(
      "--ttl", .unsigned(0...2), \.ttl, present: .bits(\.flags, Flag.ttl), .plain,
      "how to compare the TTL: 0 exactly, 1 at most that of the fingerprint, 2 not at all"),
    Option(
      "--log", .unsigned(0...2), \.log, present: .bits(\.flags, Flag.log), .plain,
      "what to log: 0 all matching fingerprints, 1 the first one, 2 all known ones"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_osf_info_size))]
  public static let examples: [Example] = [
    .matches(
      "--genre Linux", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S ttl=64 win=5840 DF opts=020405b40402080a000000010000000001030307",
      given: fingerprint, before: "-p tcp", table: .mangle),
    .misses("--genre Linux", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", given: fingerprint, before: "-p tcp", table: .mangle),
    .accepts("--genre linux --ttl 0 --log 0", before: "-p tcp"), .accepts("! --genre Windows", before: "-p tcp"),
    .rejects("--genre linux"), .rejects("--genre linux --ttl 3", before: "-p tcp"), .rejects("", before: "-p tcp"),
  ]

  /// A host with the fingerprint of one system.
  private static let fingerprint = Example.Given(host: ["fingerprints: \"S4:64:1:60:M*,S,T,N,W7:Linux:2.6::\\n\""])

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    info.length = UInt32(info.genre.bytes.count)
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("OS fingerprint match \(info.flags & Flag.inverted != 0 ? "! " : "")")
    text.glue(bytes: info.genre.bytes)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // The match also writes a log line, so its condition is opaque.
    if info.flags & Flag.log != 0 { return .opaque }
    let (genre, lifetime) = (info.genre.string, lifetime(info))
    return .equals(
      Field("osf.\(genre).\(lifetime)", bits: 1, FieldTraits(.bytes, [.value, .unknown])) { context in
        guard let known = context.world.fingerprints else { return .unknown(unknown) }
        return .of(!known.matches(context.packet, genre: genre, lifetime).isEmpty)
      }, 1)
  }

  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    guard let known = packet.world.fingerprints else { return .unknown(unknown) }
    guard let header = packet.packet.ipv4, let tcp = TCPHeader(packet.packet.bytes, at: header.headerLength), tcp.flags.contains(.syn)
    else {
      return .mismatched
    }
    // As the kernel: with a log, the genre is ignored.
    let all = known.matches(packet.packet, genre: nil, lifetime(info))
    let route = "\(header.source):\(tcp.sourcePort) -> \(header.destination):\(tcp.destinationPort)"
    for found in info.log == LogLevel.first ? all.prefix(1) : all[...] {
      let name = "\(found.genre) [\(found.version):\(found.subtype)]"
      log("\(name) : \(route) hops=\(Int(found.ttl) - Int(header.ttl))\n", &packet)
    }
    if all.isEmpty { log("Remote OS is not known: \(route)\n", &packet) }
    return all.isEmpty ? .mismatched : .matched
  }

  /// The kernel cuts the log prefix at 127 bytes (`NF_LOG_PREFIXLEN`).
  private static func log(_ prefix: String, _ packet: inout PacketContext) {
    let prefix = String(decoding: prefix.utf8.prefix(127), as: UTF8.self)
    packet.note { .log(level: 5, line: LogLine.text(for: $0, prefix: prefix, content: .traced)) }
  }

  private static func lifetime(_ info: Info) -> OSFingerprint.LifetimeTest {
    info.flags & Flag.ttl == 0 ? .equal : OSFingerprint.LifetimeTest(rawValue: info.ttl) ?? .atMost
  }

  private static let unknown = UnknownReason("-m osf", lacking: .fingerprints)
}
