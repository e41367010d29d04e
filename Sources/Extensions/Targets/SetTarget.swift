import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Adds a packet's addresses to sets, removes them, or sets the packet's fields from a set's element. Kernel: `xt_set`, target revision 3.
public enum SetTarget: TargetExtension {
  /// The kernel structure `xt_set_info_target_v3`, followed by the names of the sets. The kernel's structure has only their indices,
  /// which only the running kernel knows.
  public struct Info: BitwiseCopyable, Sendable {
    var kernel = KernelInfo()
    var added = FixedName<32>()
    var removed = FixedName<32>()
    var mapped = FixedName<32>()
  }

  /// The corresponding kernel structure is `xt_set_info_target_v3`.
  struct KernelInfo: BitwiseCopyable, Sendable {
    var added = AddressSetReference()
    var removed = AddressSetReference()
    var mapped = AddressSetReference()
    var flags: UInt32 = 0
    /// Seconds; all ones for the set's own timeout.
    var timeout: UInt32 = .max
    var padding: UInt32 = 0
  }

  /// The corresponding kernel structure is `xt_set_info_target_v2`.
  private struct WithTimeout: BitwiseCopyable, Sendable {
    var added: AddressSetReference
    var removed: AddressSetReference
    var flags: UInt32
    var timeout: UInt32
  }

  /// The corresponding kernel structure is `xt_set_info_target_v1`.
  private struct Plain: BitwiseCopyable, Sendable {
    var added: AddressSetReference
    var removed: AddressSetReference
  }

  /// The corresponding kernel structure is `xt_set_info_target_v0`: a word for each dimension.
  private struct Words: BitwiseCopyable, Sendable {
    struct Reference: BitwiseCopyable, Sendable {
      var index: UInt16 = AddressSetReference.noIndex
      var padding: UInt16 = 0
      var dimensions = InlineArray<7, UInt32>(repeating: 0)
    }

    var added = Reference()
    var removed = Reference()
  }

  /// `IPSET_FLAG_*`.
  private enum Flag {
    static let exist: UInt32 = 1
    static let mark: UInt32 = 1 << 8
    static let priority: UInt32 = 1 << 9
    static let queue: UInt32 = 1 << 10
  }

  public static let name = "SET"
  public static let families: Families = .both
  public static let summary = "adds addresses or ports of the packet to IP sets, deletes them, or sets mark and priority from a set"
  public static let traits: ExtensionTraits = .usesAddressSets
  public static let needs: [HostFact] = [.addressSets]
  public static let initial = Info()

  private static func set(
    _ name: String, _ reference: any WritableKeyPath<Info, AddressSetReference> & Sendable,
    _ path: any WritableKeyPath<Info, FixedName<32>> & Sendable, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 2, placeholder: "name dir[,dir...]", grammar: "string set-directions", samples: ["foo src", "foo dst,src"],
      nearMisses: ["foo", "foo both"], OptionUse(content: .set), summary,
      read: { info, arguments throws(OptionError) in
        info[keyPath: reference] = try AddressSetReference(arguments, directions: arguments.second)
        // If the kernel knows the set, only its index is stored, as when the rule is read back.
        if info[keyPath: reference].index == AddressSetReference.noIndex { info[keyPath: path] = FixedName(arguments.token.bytes) }
      },
      write: { info, text in
        guard info[keyPath: reference].dimension != 0 else { return }
        text.option(name)
        info[keyPath: reference].print(info[keyPath: path], to: &text)
      })
  }

  private static func flag(_ name: String, _ bit: UInt32, _ summary: String) -> Option<Info> {
    Option(flag: name, present: .bits(\.kernel.flags, bit), OptionUse(repeatable: true), summary)
  }

  public static let options: [Option<Info>] = [
    set("--add-set", \.kernel.added, \.added, "add to this set"),
    flag("--exist", Flag.exist, "if the element exists, restart its timeout"),
    Option(
      "--timeout", arity: 1, placeholder: "seconds", grammar: "number", samples: ["0", "60"], nearMisses: ["-1", "4294967295", "x"],
      OptionUse(repeatable: true), "how long it stays",
      read: { info, arguments throws(OptionError) in
        guard let seconds = arguments.token.unsigned, seconds < UInt64(UInt32.max) else {
          throw OptionError(
            "bad-value", "Invalid value for option --timeout or out of range 0-4294967294", at: arguments.token.range,
            hint: "give a number of seconds")
        }
        info.kernel.timeout = UInt32(seconds)
      },
      write: { info, text in
        guard info.kernel.timeout != .max else { return }
        text.option("--timeout")
        text.word(String(info.kernel.timeout))
      }),
    set("--del-set", \.kernel.removed, \.removed, "delete from this set"),
    set("--map-set", \.kernel.mapped, \.mapped, "look up in this set"),
    flag("--map-mark", Flag.mark, "set the packet's mark from the element"),
    flag("--map-prio", Flag.priority, "set the packet's priority from the element"),
    flag("--map-queue", Flag.queue, "set the network card's queue from the element"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, Words.self, abiSize: MemoryLayout<xt_set_info_target_v0>.size,
      upgrade: { Info(kernel: KernelInfo(added: reference($0.added), removed: reference($0.removed))) },
      downgrade: { isPlain($0) ? Words(added: words($0.kernel.added), removed: words($0.kernel.removed)) : nil }),
    Layout(
      revision: 1, Plain.self, abiSize: MemoryLayout<xt_set_info_target_v1>.size,
      upgrade: { Info(kernel: KernelInfo(added: $0.added, removed: $0.removed)) },
      downgrade: { isPlain($0) ? Plain(added: $0.kernel.added, removed: $0.kernel.removed) : nil }),
    Layout(
      revision: 2, WithTimeout.self, abiSize: MemoryLayout<xt_set_info_target_v2>.size,
      upgrade: { Info(kernel: KernelInfo(added: $0.added, removed: $0.removed, flags: $0.flags, timeout: $0.timeout)) },
      downgrade: {
        guard $0.kernel.mapped.dimension == 0, $0.kernel.flags & ~Flag.exist == 0 else { return nil }
        return WithTimeout(
          added: $0.kernel.added, removed: $0.kernel.removed, flags: $0.kernel.flags, timeout: $0.kernel.timeout)
      }),
    Layout(
      revision: 3, KernelInfo.self, abiSize: MemoryLayout<xt_set_info_target_v3>.size, upgrade: { Info(kernel: $0) },
      downgrade: { $0.kernel }),
  ]

  private static func isPlain(_ info: Info) -> Bool {
    info.kernel.mapped.dimension == 0 && info.kernel.flags == 0 && info.kernel.timeout == .max
  }

  private static func reference(_ words: Words.Reference) -> AddressSetReference {
    var reference = AddressSetReference()
    reference.index = words.index
    for place in 0..<6 where words.dimensions[place] & 3 != 0 {
      reference.dimension += 1
      if words.dimensions[place] & 1 != 0 { reference.flags |= 1 << UInt8(place + 1) }
    }
    return reference
  }

  private static func words(_ reference: AddressSetReference) -> Words.Reference {
    var words = Words.Reference(index: reference.index)
    for place in 0..<min(Int(reference.dimension), 6) {
      words.dimensions[place] = reference.flags >> UInt8(place + 1) & 1 == 1 ? 1 : 2
    }
    return words
  }

  public static let examples: [Example] = [
    .acts(
      "--add-set seen src", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: drop POSTROUTING",
      given: .init(rules: ["-t mangle -A POSTROUTING -m set --match-set seen src -j DROP"], sets: ["create seen hash:ip family inet"]),
      family: .ipv4),
    .acts(
      "--add-set seen src", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "verdict: drop POSTROUTING",
      given: .init(rules: ["-t mangle -A POSTROUTING -m set --match-set seen src -j DROP"], sets: ["create seen hash:ip family inet6"]),
      family: .ipv6),
    .rejects(""), .rejects("--add-set foo"), .rejects("--add-set foo both"), .rejects("--del-set foo src --exist"),
    .rejects("--del-set foo src --timeout 4"), .rejects("--map-set foo src"), .rejects("--add-set foo src --map-mark"),
  ]

  /// The corresponding C function is `set_target_check_v3`.
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    let maps = ["--map-mark", "--map-prio", "--map-queue"]
    if seen.isDisjoint(with: ["--add-set", "--del-set", "--map-set"]) {
      throw OptionError("missing-option", "You must specify either `--add-set' or `--del-set' or `--map-set'")
    }
    if !seen.contains("--add-set") {
      if seen.contains("--exist") { throw OptionError("missing-option", "Flag `--exist' can be used with `--add-set' only") }
      if seen.contains("--timeout") { throw OptionError("missing-option", "Option `--timeout' can be used with `--add-set' only") }
    }
    if seen.contains("--map-set") {
      if seen.isDisjoint(with: maps) {
        throw OptionError("missing-option", "You must specify flags `--map-mark' or '--map-prio` or `--map-queue'")
      }
    } else if let flag = maps.first(where: seen.contains) {
      throw OptionError("missing-option", "Flag `\(flag)' can be used with `--map-set' only")
    }
  }

  /// The corresponding kernel function is `set_target_v3_checkentry`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    func part(_ name: String, _ reference: AddressSetReference, _ set: FixedName<32>) {
      guard reference.index != AddressSetReference.noIndex else { return }
      text.word(name)
      reference.print(set, to: &text)
    }
    part("add-set", info.kernel.added, info.added)
    if info.kernel.flags & Flag.exist != 0 { text.word("exist") }
    if info.kernel.timeout != .max { text.word("timeout \(info.kernel.timeout)") }
    part("del-set", info.kernel.removed, info.removed)
    part("map-set", info.kernel.mapped, info.mapped)
    for (flag, name) in [(Flag.mark, "map-mark"), (Flag.priority, "map-prio"), (Flag.queue, "map-queue")]
    where info.kernel.flags & flag != 0 {
      text.word(name)
    }
  }

  public static func objects(_ info: Info) -> [KernelObjectUse] {
    [info.kernel.added, info.kernel.removed, info.kernel.mapped].map(\.index).filter { $0 != AddressSetReference.noIndex }
      .map { .needsSet($0) }
      + [info.kernel.added, info.kernel.removed].map(\.index).filter { $0 != AddressSetReference.noIndex }.map { .changesSet($0) }
  }

  public static func rebind(_ info: inout Info, _ number: (UInt16) -> UInt16) {
    for reference in [\Info.kernel.added, \Info.kernel.removed, \Info.kernel.mapped]
    where info[keyPath: reference].index != AddressSetReference.noIndex {
      info[keyPath: reference].index = number(info[keyPath: reference].index)
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    for reference in [info.kernel.added, info.kernel.removed, info.kernel.mapped] where reference.dimension > 6 {
      throw .kernel("SET: a set has at most six dimensions")
    }
    guard info.kernel.mapped.dimension != 0 else { return }
    guard site.table == .mangle else { throw .kernel("SET: --map-set is only valid in the mangle table", hint: "move the rule to mangle") }
    if info.kernel.flags & (Flag.priority | Flag.queue) != 0, !site.hooks.isSubset(of: [.forward, .output, .postrouting]) {
      throw .kernel(
        "SET: --map-prio and --map-queue are valid from FORWARD, OUTPUT and POSTROUTING only", hint: "move the rule to POSTROUTING")
    }
  }

  /// The corresponding kernel function is `set_target_v3`.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    let kernel = info.kernel
    return (kernel.flags & Flag.mark != 0 ? FieldEffect.unknown(.mark) : [])
      + (kernel.flags & Flag.priority != 0 ? FieldEffect.unknown(.priority) : [])
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    guard let sets = packet.world.addressSets else {
      return .unknown(UnknownReason("-j SET", lacking: .addressSets))
    }
    let kernel = info.kernel
    if let name = kernel.added.name(info.added, in: sets) {
      sets.add(
        name, kernel.added.query, packet, refreshes: kernel.flags & Flag.exist != 0,
        timeout: kernel.timeout == .max ? nil : kernel.timeout)
    }
    if let name = kernel.removed.name(info.removed, in: sets) { sets.remove(name, kernel.removed.query, packet) }
    guard let name = kernel.mapped.name(info.mapped, in: sets), let found = sets.match(name, kernel.mapped.query, packet) else {
      return .proceed
    }
    if kernel.flags & Flag.mark != 0 { packet.mark = (packet.mark & ~found.markMask) ^ found.mark }
    if kernel.flags & Flag.priority != 0 { packet.priority = found.priority }
    if kernel.flags & Flag.queue != 0 { packet.note { _ in .note("SET selects queue \(found.queue) of the network card for the packet") } }
    return .proceed
  }
}

extension AddressSetReference {
  /// The name of the set; nil if there is none.
  func name(_ written: FixedName<32>, in sets: AddressSets) -> String? {
    if dimension == 0 { return nil }
    return written.bytes.isEmpty ? sets[index]?.name : written.string
  }

  /// The query of the set.
  var query: AddressSetQuery { AddressSetQuery(directions: Int(dimension), sources: flags) }
}
