import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Sets the mark of the connection, or copies it from or to the packet's. Kernel: `xt_connmark`, target revision 2.
public enum ConnmarkTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_connmark_tginfo2`.
  public struct Info: BitwiseCopyable, Sendable {
    var connection = Masked<UInt32>(0, mask: .max)
    var packetMask: UInt32 = .max
    var shiftsRight: UInt8 = 0
    var shift: UInt8 = 0
    var mode: UInt8 = Mode.set

    /// The shifted mark. A shift by 32 bits shifts by none, as the processor does.
    func shifted(_ mark: UInt32) -> UInt32 { shiftsRight == 0 ? mark &<< UInt32(shift) : mark &>> UInt32(shift) }

    /// `XT_CONNMARK_SET`, `XT_CONNMARK_SAVE` and `XT_CONNMARK_RESTORE`.
    enum Mode {
      static let set: UInt8 = 0
      static let save: UInt8 = 1
      static let restore: UInt8 = 2
    }
  }

  /// The corresponding kernel structure is `xt_connmark_tginfo1`.
  private struct Unshifted: BitwiseCopyable, Sendable {
    var connection: Masked<UInt32>
    var packetMask: UInt32
    var mode: UInt8
  }

  public static let name = "CONNMARK"
  public static let families: Families = .both
  public static let summary = "sets the mark of the connection, or copies it from or to the packet's mark"
  public static let initial = Info()

  private static let operations = [
    "--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark", "--save-mark", "--restore-mark",
  ]

  /// An option with a value. Each option specifies the cleared and the flipped bits in another way.
  private static func set(
    _ name: String, _ summary: String, _ change: @escaping @Sendable (Masked<UInt32>) -> Masked<UInt32>
  ) -> Option<Info> {
    let isMasked = name == "--set-xmark" || name == "--set-mark"
    return Option(
      name, arity: 1, placeholder: isMasked ? "value[/mask]" : "bits",
      grammar: isMasked ? "number [ \"/\" number ]" : "number", samples: isMasked ? ["0x1", "1/0xff", "0"] : ["0x1", "255"],
      nearMisses: ["-1", "x"], OptionUse(excludes: operations.filter { $0 != name }), summary,
      read: { info, arguments throws(OptionError) in
        let given =
          isMasked
          ? try ValueSyntax.mark.parse(arguments.token, arguments)
          : Masked(try ValueSyntax<UInt32>.unsigned().parse(arguments.token, arguments))
        info.mode = Info.Mode.set
        info.connection = change(given)
      },
      write: { info, text in
        guard name == "--set-xmark", info.mode == Info.Mode.set else { return }
        text.option(name)
        text.word("0x" + String(info.connection.value, radix: 16))
        text.glue("/0x" + String(info.connection.mask, radix: 16))
      })
  }

  private static func copy(_ name: String, _ mode: UInt8, _ summary: String) -> Option<Info> {
    Option(
      flag: name, present: Presence(get: { $0.mode == mode }, set: { $0.mode = mode }),
      OptionUse(excludes: operations.filter { $0 != name }), summary)
  }

  private static func mask(
    _ name: String, _ path: any WritableKeyPath<Info, UInt32> & Sendable, _ summary: String
  ) -> Option<Info> {
    Option(
      name, .hexadecimal, path, present: .when { $0.mode == Info.Mode.save || $0.mode == Info.Mode.restore },
      OptionUse(excludes: ["--mask"]), summary)
  }

  private static func shift(_ name: String, right: Bool, _ summary: String) -> Option<Info> {
    Option(
      name, .unsigned(0...32), \.shift,
      present: Presence(
        get: { $0.shift != 0 && $0.mode <= Info.Mode.restore && ($0.shiftsRight != 0) == right },
        set: { $0.shiftsRight = right ? 1 : 0 }), .plain, summary)
  }

  public static let options: [Option<Info>] = [
    set("--set-xmark", "clear the bits of mask and XOR value into the connection's mark") { $0 },
    set("--set-mark", "clear the bits of mask and OR value into the connection's mark") {
      Masked($0.value, mask: $0.value | $0.mask)
    },
    set("--and-mark", "AND the connection's mark with bits") { Masked(0, mask: ~$0.value) },
    set("--or-mark", "OR bits into the connection's mark") { Masked($0.value, mask: $0.value) },
    set("--xor-mark", "XOR bits into the connection's mark") { Masked($0.value, mask: 0) },
    copy("--save-mark", Info.Mode.save, "copy the packet's mark to the connection"),
    copy("--restore-mark", Info.Mode.restore, "copy the connection's mark to the packet"),
    mask("--nfmask", \.packetMask, "the bits of the packet's mark that take part"),
    mask("--ctmask", \.connection.mask, "the bits of the connection's mark that take part"),
    Option(
      "--mask", arity: 1, placeholder: "bits", grammar: "number", samples: ["0xff", "4294967295"], nearMisses: ["-1", "x"],
      OptionUse(excludes: ["--nfmask", "--ctmask"]), "both masks at once",
      read: { info, arguments throws(OptionError) in
        info.packetMask = try ValueSyntax.unsigned().parse(arguments.token, arguments)
        info.connection.mask = info.packetMask
      },
      write: { _, _ in }),
    shift("--left-shift-mark", right: false, "shift what is stored to the left"),
    shift("--right-shift-mark", right: true, "shift what is stored to the right"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 1, Unshifted.self, abiSize: MemoryLayout<xt_connmark_tginfo1>.size,
      upgrade: { Info(connection: $0.connection, packetMask: $0.packetMask, mode: $0.mode) },
      downgrade: {
        $0.shift == 0 ? Unshifted(connection: $0.connection, packetMask: $0.packetMask, mode: $0.mode) : nil
      }),
    Layout(revision: 2, abiSize: MemoryLayout<xt_connmark_tginfo2>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--set-mark 5", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "conntrack: {mark: 5}", saved: "--set-xmark 0x5/0xffffffff",
      table: .mangle),
    .acts(
      "--restore-mark", on: "eth1 udp 10.0.1.9:53 > 10.0.0.9:1000", result: "mark: 5", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"],
      given: .init(rules: ["-A PREROUTING -p udp --dport 53 -j CONNMARK --set-mark 5"]),
      saved: "--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff", table: .mangle),
    .accepts("--save-mark --mask 0xff", saved: "--save-mark --nfmask 0xff --ctmask 0xff", table: .mangle),
    .accepts("--set-mark 1/2 --left-shift-mark 3", saved: "--set-xmark 0x1/0x3 --left-shift-mark 3", table: .mangle),
    .accepts("--set-xmark 0x1/0xff --right-shift-mark 4", table: .mangle),
    .rejects("", table: .mangle), .rejects("--save-mark --restore-mark", table: .mangle),
    .rejects("--save-mark --mask 1 --ctmask 1", table: .mangle), .rejects("--set-mark 1 --left-shift-mark 33", table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isDisjoint(with: operations) {
      throw OptionError(
        "missing-option", "CONNMARK target: No operation specified",
        hint: "give one of \(operations.joined(separator: ", "))")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("CONNMARK")
    let packetMask = String(info.packetMask, radix: 16)
    let connectionMask = String(info.connection.mask, radix: 16)
    switch info.mode {
    case Info.Mode.set: text.markChange(info.connection)
    case Info.Mode.save, Info.Mode.restore:
      let isSaved = info.mode == Info.Mode.save
      text.word(isSaved ? "save" : "restore")
      if info.packetMask != info.connection.mask {
        text.word(isSaved ? "nfmask 0x\(packetMask) ctmask ~0x\(connectionMask)" : "ctmask 0x\(connectionMask) nfmask ~0x\(packetMask)")
      } else if info.packetMask != .max {
        text.word("mask 0x\(packetMask)")
      }
    default: return text.word("ERROR: UNKNOWN CONNMARK MODE")
    }
    if info.shift != 0 { text.word("\(info.shiftsRight == 0 ? "left" : "right")-shift-mark \(info.shift)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.shift > 31 { throw .kernel("CONNMARK: a mark has 32 bits and cannot be shifted by \(info.shift)", hint: "shift by at most 31") }
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  /// The corresponding kernel function is `connmark_tg_shift`.
  private static let tracked = Condition.equals(.connectionExists, 1)

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    let (from, to) = (info.connection.mask, info.packetMask)
    let shift = Int(info.shift & 31) * (info.shiftsRight == 0 ? 1 : -1)
    let change: FieldEffect
    switch info.mode {
    case Info.Mode.set:
      // The shift applies to the kept bits of the old mark too.
      change = .change(
        .connectionMark,
        .copied(from: .connectionMark, mask: UInt128(~from), shift: shift, keep: 0, flip: UInt128(info.shifted(info.connection.value))),
        when: tracked)
    case Info.Mode.save:
      change = .change(.connectionMark, .copied(from: .mark, mask: UInt128(to), shift: shift, keep: UInt128(~from), flip: 0), when: tracked)
    case Info.Mode.restore:
      change = .change(.mark, .copied(from: .connectionMark, mask: UInt128(from), shift: shift, keep: UInt128(~to), flip: 0), when: tracked)
    default: return []
    }
    return [change]
  }

  /// The mark of a template is kept with the rule of the template, which counts as a use of ``ExtensionMemory``.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    let table = packet.world.conntrack
    guard let mark = packet.attachment.template?.mark ?? packet.attachment.connection.flatMap({ table?[$0]?.mark }) else {
      return .proceed
    }
    switch info.mode {
    case Info.Mode.set: note(info.shifted((mark & ~info.connection.mask) ^ info.connection.value), in: &packet)
    case Info.Mode.save: note((mark & ~info.connection.mask) ^ info.shifted(packet.mark & info.packetMask), in: &packet)
    case Info.Mode.restore: packet.mark = (packet.mark & ~info.packetMask) ^ info.shifted(mark & info.connection.mask)
    default: break
    }
    return .proceed
  }

  /// Marks the packet's connection, or its template for all packets to come.
  private static func note(_ mark: UInt32, in packet: inout PacketContext) {
    if case .template(var template) = packet.attachment {
      template.mark = mark
      packet.attachment = .template(template)
      if let rule = template.rule { packet.world.memory.withState(of: rule, initial: mark) { $0 = mark } }
    } else if let handle = packet.attachment.connection {
      packet.world.conntrack?.setMark(mark, of: handle)
    }
  }
}
