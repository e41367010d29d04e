import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Matches the owner of the socket that sent the packet. Kernel: `xt_owner`, revision 1.
public enum OwnerMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_owner_match_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var users = NumberRange<UInt32>(0, 0)
    var groups = NumberRange<UInt32>(0, 0)
    var match: UInt8 = 0
    var inverted: UInt8 = 0
    var padding: UInt16 = 0
  }

  /// The bits of `match` and `invert`: `XT_OWNER_*`.
  private enum Flag {
    static let user: UInt8 = 0x01
    static let group: UInt8 = 0x02
    static let socket: UInt8 = 0x04
    static let supplementaryGroups: UInt8 = 0x08
  }

  public static let name = "owner"
  public static let families: Families = .both
  public static let summary = "matches the owner of the socket that sent a packet"
  public static let traits: ExtensionTraits = .initialUsersOnly
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.output, .postrouting]) }

  /// Parses a name, an id, or two ids separated by `-` or `:`.
  private static func identifiers(
    _ placeholder: String, _ lookUp: @escaping @Sendable (NameDatabase, String) -> UInt32?
  ) -> ValueSyntax<NumberRange<UInt32>> {
    ValueSyntax(
      placeholder: placeholder, grammar: "name | number [ ( \"-\" | \":\" ) number ]",
      samples: ["0", "4294967294", "1000-1999", "0:10"], nearMisses: ["4294967295", "-1", "1-", "nobodysname"],
      parse: { token, arguments throws(OptionError) in
        if let id = lookUp(arguments.names, token.string) { return NumberRange(id, id) }
        let hint = "write an id, a range of ids, or a name this system knows"
        let top = UInt64(UInt32.max - 1)
        guard let (low, rest) = UnsignedText.prefix(token.bytes), low <= top else { throw arguments.badValue(hint: hint) }
        if rest.isEmpty { return NumberRange(UInt32(low), UInt32(low)) }
        guard rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: ":"),
          let (high, tail) = UnsignedText.prefix(rest.dropFirst()), tail.isEmpty, high <= top
        else { throw arguments.badValue(hint: hint) }
        return NumberRange(UInt32(low), UInt32(high))
      },
      print: { range, text in
        text.word(range.low == range.high ? String(range.low) : "\(range.low)-\(range.high)")
      })
  }

  public static let options: [Option<Info>] = [
    Option(
      flag: "--socket-exists", present: .bits(\.match, Flag.socket), invert: .bits(\.inverted, Flag.socket), .plain,
      "the packet was sent by a socket"),
    Option(
      "--uid-owner", identifiers("userid[-userid]") { $0.userID($1) }, \.users, invert: .bits(\.inverted, Flag.user),
      present: .bits(\.match, Flag.user), OptionUse(content: .user), "user, or range of users"),
    Option(
      "--gid-owner", identifiers("groupid[-groupid]") { $0.groupID($1) }, \.groups, invert: .bits(\.inverted, Flag.group),
      present: .bits(\.match, Flag.group), OptionUse(content: .group), "group, or range of groups"),
    Option(
      "--suppl-groups", arity: 0, placeholder: "", grammar: "", samples: [""], .plain,
      "also compare supplementary groups",
      read: { info, arguments throws(OptionError) in
        guard info.match & Flag.group != 0 else {
          throw OptionError(
            "missing-option", "owner: Bad value for \"--suppl-groups\" option: \"you need to use --gid-owner first\"",
            hint: "write --gid-owner before --suppl-groups")
        }
        info.match |= Flag.supplementaryGroups
      },
      write: { info, text in
        if info.match & Flag.supplementaryGroups != 0 { text.option("--suppl-groups") }
      }),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_owner_match_info>.size)]
  public static let examples: [Example] = [
    .matches("--uid-owner 0", "local uid=0 udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .misses("--uid-owner 0", "local uid=1000 udp 10.0.1.1:1000 > 10.0.1.9:53"),
    .accepts("! --uid-owner 1000-1999"), .accepts("--gid-owner 10 --suppl-groups"),
    .accepts("! --socket-exists"), .accepts("--uid-owner 0:10", saved: "--uid-owner 0-10"),
    .rejects(""), .rejects("--suppl-groups --gid-owner 0"), .rejects("--uid-owner -1"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty {
      throw OptionError(
        "missing-option", "owner: At least one of --uid-owner, --gid-owner or --socket-exists is required")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    func item(_ label: String, _ flag: UInt8, _ range: NumberRange<UInt32>?, _ name: (UInt32) -> String?) {
      guard info.match & flag != 0 else { return }
      text.option(label, inverted: info.inverted & flag != 0)
      guard let range else { return }
      let single = (numeric ? nil : name(range.low)) ?? String(range.low)
      text.word(range.low == range.high ? single : "\(range.low)-\(range.high)")
    }
    let names = text.names
    item("owner socket exists", Flag.socket, nil) { _ in nil }
    item("owner UID match", Flag.user, info.users, names.userName)
    item("owner GID match", Flag.group, info.groups, names.groupName)
    item("incl. suppl. groups", Flag.supplementaryGroups, nil) { _ in nil }
  }

  /// `NFT_META_SKUID` and `NFT_META_SKGID`.
  public static let nativeFields: [NativeTest.Subject: Field] = [
    .meta(10): .nativeOwner(.ownerUser), .meta(11): .nativeOwner(.ownerGroup),
  ]

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.match & ~0x0f != 0 { throw .kernel("owner: unknown flags") }
    for (flag, range) in [(Flag.user, info.users), (Flag.group, info.groups)] where info.match & flag != 0 {
      if range.low > range.high || range.high == .max {
        throw .kernel("owner: the range \(range.low)-\(range.high) is reversed", hint: "write the lower id first")
      }
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let difference = info.match ^ info.inverted
    // Without a socket, or without a file for it, there is no owner. As the kernel, the rule then matches only if every test
    // is inverted.
    let unowned: Condition = difference == 0 ? .always : .never
    let fileless: Condition = difference & (Flag.user | Flag.group) == 0 ? .always : .never
    var tests: [Condition] = []
    if info.match & Flag.user != 0 {
      tests.append(.inRange(.ownerUser, info.users.low, info.users.high).inverted(info.inverted & Flag.user != 0))
    }
    if info.match & Flag.group != 0 {
      var member: [Condition] = [.inRange(.ownerGroup, info.groups.low, info.groups.high)]
      if info.match & Flag.supplementaryGroups != 0 { member.append(.equals(.ownerIsMember(info.groups), 1)) }
      tests.append(Condition.any(member).inverted(info.inverted & Flag.group != 0))
    }
    let owned: Condition =
      info.match & info.inverted & Flag.socket != 0
      ? .never : .any([.all([.equals(.ownerFile, 0), fileless]), .all([.equals(.ownerFile, 1)] + tests)])
    return .any([.all([.equals(.ownerSocket, 0), unowned]), .all([.equals(.ownerSocket, 1), owned])])
  }
}

extension Field {
  /// True if a socket of this namespace sent the packet.
  static let ownerSocket = Field("owner.socket", bits: 1, FieldTraits(.context, .value)) { .of($0.owner?.hasSocket == true) }
  /// True if that socket belongs to a file, as the sockets of processes do.
  static let ownerFile = Field("owner.file", bits: 1, FieldTraits(.context, ofSocket)) { context in
    context.owner.map { .of($0.hasFile) } ?? .absent
  }
  static let ownerUser = Field("owner.uid", bits: 32, identity(\.uid, .user)) { context in context.owner.map { .of($0.uid) } ?? .absent }
  static let ownerGroup = Field("owner.gid", bits: 32, identity(\.gid, .group)) { context in context.owner.map { .of($0.gid) } ?? .absent }

  /// A field of the owner as nf_tables reads it, at any hook. Before routing, the packet may have the socket that is to receive it.
  ///
  /// The corresponding kernel function is `nft_meta_get_eval_skugid`.
  static func nativeOwner(_ field: Field) -> Field {
    Field("\(field.name).native", bits: field.bits, FieldTraits(.context, [.value, .absent, .unknown])) { context in
      guard context.hook == .output || context.hook == .postrouting else {
        return .unknown(
          UnknownReason(sentence: "whether a received packet has a socket at \(context.hook.name) depends on early demultiplexing"))
      }
      return context.owner?.hasFile == true ? field.read(&context) : .absent
    }
  }

  private static let ofSocket: FieldOutcomes = [.value, .absent]

  private static func identity(_ path: any WritableKeyPath<PacketDraft, UInt32> & Sendable, _ fact: HostFact) -> FieldTraits {
    FieldTraits(.context, [.value, .absent, .unknown], needs: FieldNeeds("-m owner", fact)) { value, draft in
      // The highest number is not a valid id.
      guard draft.input == nil, value < UInt128(UInt32.max) else { return false }
      draft[keyPath: path] = UInt32(value)
      return true
    }
  }

  /// The fields of the owner.
  static let ofOwner: [Field] = [ownerSocket, ownerFile, ownerUser, ownerGroup]

  /// True if one of the owner's supplementary groups is in a range.
  static func ownerIsMember(_ groups: NumberRange<UInt32>) -> Field {
    Field(
      "owner.member.\(groups.low)-\(groups.high)", bits: 1,
      FieldTraits(.fields([.ownerUser]), [.value, .absent, .unknown], needs: FieldNeeds("-m owner", .group))
    ) { context in
      guard let owner = context.owner else { return .absent }
      return .of(owner.supplementaryGroups.contains { groups.low <= $0 && $0 <= groups.high })
    }
  }
}
