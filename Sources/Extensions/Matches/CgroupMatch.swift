import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Matches the control group of the socket that sent or will receive the packet. Kernel: `xt_cgroup`, revision 2.
public enum CgroupMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_cgroup_info_v2`.
  public struct Info: BitwiseCopyable, Sendable {
    var hasPath: UInt8 = 0
    var hasClass: UInt8 = 0
    var pathInverted: UInt8 = 0
    var classInverted: UInt8 = 0
    /// The path, or in the first four bytes the class.
    var storage = FixedName<512>()
    var padding: UInt32 = 0
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0

    var classID: UInt32 {
      get { (0..<4).reduce(0) { $0 | UInt32(storage.storage[$1]) << UInt32(8 * $1) } }
      set { for index in 0..<4 { storage.storage[index] = UInt8(truncatingIfNeeded: newValue >> UInt32(8 * index)) } }
    }
  }

  /// The corresponding kernel structure is `xt_cgroup_info_v0`.
  struct Info0: BitwiseCopyable, Sendable {
    var classID: UInt32
    var inverted: UInt32
  }

  /// The corresponding kernel structure is `xt_cgroup_info_v1`.
  struct Info1: BitwiseCopyable, Sendable {
    var hasPath: UInt8
    var hasClass: UInt8
    var pathInverted: UInt8
    var classInverted: UInt8
    var path = FixedName<4096>()
    var classID: UInt32 = 0
    var kernelState: UInt64 = 0
  }

  public static let name = "cgroup"
  public static let families: Families = .both
  public static let summary = "matches the control group of the packet's socket"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.output, .postrouting, .input]) }

  public static let options: [Option<Info>] = [
    Option(
      "--path", .name(placeholder: "path"), \.storage, invert: .flag(\.pathInverted), present: .bits(\.hasPath, 1), .plain,
      "path in the unified hierarchy"),
    Option(
      "--cgroup", .unsigned(), \.classID, invert: .flag(\.classInverted), present: .bits(\.hasClass, 1), .plain,
      "class of the net_cls controller"),
  ]

  public static let layouts = [
    Layout<Info>(
      revision: 0, Info0.self, abiSize: MemoryLayout<xt_cgroup_info_v0>.size,
      upgrade: { old in
        var info = Info(hasClass: 1, classInverted: old.inverted != 0 ? 1 : 0)
        info.classID = old.classID
        return info
      },
      downgrade: { $0.hasPath == 0 ? Info0(classID: $0.classID, inverted: UInt32($0.classInverted)) : nil }),
    Layout<Info>(
      revision: 1, size: Int(xt_cgroup_info_v1_size), userSize: 4104,
      decode: { bytes in
        guard let old = Payload.load(Info1.self, from: bytes), old.path.bytes.count < 512 else { return nil }
        var info = Info(
          hasPath: old.hasPath, hasClass: old.hasClass, pathInverted: old.pathInverted, classInverted: old.classInverted)
        if old.hasPath != 0 { info.storage = FixedName(ArraySlice(old.path.bytes)) } else { info.classID = old.classID }
        return info
      },
      encode: { info in
        var old = Info1(
          hasPath: info.hasPath, hasClass: info.hasClass, pathInverted: info.pathInverted, classInverted: info.classInverted)
        if info.hasPath != 0 { old.path = FixedName(ArraySlice(info.storage.bytes)) } else { old.classID = info.classID }
        return Payload.encode(old)
      }),
    Layout<Info>(revision: 2, abiSize: Int(xt_cgroup_info_v2_size), userSize: 520),
  ]
  public static let examples: [Example] = [
    .matches("--cgroup 0", "local udp 10.0.1.1:1000 > 10.0.1.9:53", table: .mangle),
    .misses("--cgroup 1", "local udp 10.0.1.1:1000 > 10.0.1.9:53", table: .mangle),
    .matches("--path a/b", "local cgroup=/a/b/c udp 10.0.1.1:1000 > 10.0.1.9:53", saved: "--path \"a/b\"", table: .mangle),
    .accepts("! --path service/http-server", saved: "! --path \"service/http-server\"", table: .mangle),
    .rejects("--cgroup x", table: .mangle), .rejects("", table: .mangle), .rejects("--cgroup 1 --path /", table: .mangle),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("cgroup")
    if info.hasPath != 0 {
      text.word(info.pathInverted != 0 ? "! " : "")
      text.glue(bytes: info.storage.bytes)
    }
    if info.hasClass != 0 { text.word("\(info.classInverted != 0 ? "! " : "")\(info.classID)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.pathInverted > 1 || info.classInverted > 1 { throw .kernel("cgroup: unknown inversion bits") }
    if info.hasPath == 0, info.hasClass == 0 { throw .kernel("cgroup: no path or class given", hint: "add --path or --cgroup") }
    if info.hasPath != 0, info.hasClass != 0 { throw .kernel("cgroup: both path and class given", hint: "use two rules") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    if info.hasClass != 0 { return .equals(.cgroupClass, info.classID).inverted(info.classInverted != 0) }
    return .equals(.isInCgroup(info.storage.string), 1).inverted(info.pathInverted != 0)
  }
}

extension Field {
  /// The class of the socket; absent if no socket is known to belong to the packet.
  static let cgroupClass = cgroup("cgroup.class", bits: 32) { $0.cgroupClass.map { .of($0) } }

  /// True if the socket was created in a control group or a descendant. The corresponding kernel function is `cgroup_is_descendant`.
  static func isInCgroup(_ path: String) -> Field {
    let wanted = path.split(separator: "/")
    return cgroup("cgroup.in.\(wanted.joined(separator: "/"))", bits: 1) { socket in
      socket.cgroupPath.map { .of($0.split(separator: "/").starts(with: wanted)) }
    }
  }

  private static func cgroup(_ name: String, bits: Int, read: @escaping @Sendable (SocketFacts) -> FieldValue?) -> Field {
    let needs = FieldNeeds("-m cgroup", .controlGroup, isPartial: true)
    return Field(name, bits: bits, FieldTraits(.context, [.value, .absent, .unknown], needs: needs)) { context in
      let unknown = FieldValue.unknown(UnknownReason(needs.subject, lacking: .controlGroup))
      if let owner = context.owner { return owner.isRequest ? .absent : read(owner) ?? unknown }
      // At INPUT a packet already has a socket only if the socket is connected. A listening socket is assigned later.
      guard context.hook == .input, case .unknown = context.world.host.socket(for: context.packet, context.input) else { return .absent }
      return unknown
    }
  }
}
