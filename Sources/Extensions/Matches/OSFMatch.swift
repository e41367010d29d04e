import CNetfilter
public import Wire
public import XTables

/// Matches the operating system a SYN looks like. Kernel: `xt_osf`, revision 0.
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

  public static let name = "osf"
  public static let families: Families = .ipv4
  public static let summary = "matches the operating system a SYN looks like"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.input, .prerouting, .forward], protocols: [6]) }

  public static let options: [Option<Info>] = [
    Option("--genre", .bareName(placeholder: "name"), \.genre, invert: .bits(\.flags, Flag.inverted), .mandatory, "name of the system"),
    Option("--ttl", .unsigned(0...2), \.ttl, present: .bits(\.flags, Flag.ttl), .plain, "0 true, 1 less, 2 not checked"),
    Option("--log", .unsigned(0...2), \.log, present: .bits(\.flags, Flag.log), .plain, "0 all, 1 first, 2 all known"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_osf_info_size))]
  public static let examples: [Example] = [
    .accepts("--genre linux --ttl 0 --log 0", before: "-p tcp"), .accepts("! --genre Windows", before: "-p tcp"),
    .rejects("--genre linux"), .rejects("--genre linux --ttl 3", before: "-p tcp"), .rejects("", before: "-p tcp"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    info.length = UInt32(info.genre.bytes.count)
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("OS fingerprint match \(info.flags & Flag.inverted != 0 ? "! " : "")")
    text.glue(bytes: info.genre.bytes)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .unknown(UnknownReason("-m osf", needs: "the kernel's table of fingerprints"))
  }
}
