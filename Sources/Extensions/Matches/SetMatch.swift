import CNetfilter
public import Wire
public import XTables

/// Matches addresses and ports in a set. Kernel: `xt_set`, revision 4.
public enum SetMatch: MatchExtension {
  /// The kernel structure `xt_set_info_match_v4`, followed by the name of the set. The kernel's structure has only the set's index,
  /// which only the running kernel knows.
  public struct Info: BitwiseCopyable, Sendable {
    var kernel = KernelInfo()
    var set = FixedName<32>()
  }

  /// The corresponding kernel structure is `xt_set_info_match_v4`.
  struct KernelInfo: BitwiseCopyable, Sendable {
    var reference = AddressSetReference()
    var padding: UInt32 = 0
    var packets = CounterTest()
    var bytes = CounterTest()
    var flags: UInt32 = 0
    var morePadding: UInt32 = 0
  }

  /// The corresponding kernel structure is `ip_set_counter_match`.
  struct CounterTest: BitwiseCopyable, Sendable {
    var value: UInt64 = 0
    var operation: UInt8 = 0
    var padding = InlineArray<7, UInt8>(repeating: 0)
  }

  /// The corresponding kernel structure is `xt_set_info_match_v3`, in which the value follows the operation.
  struct Info3: BitwiseCopyable, Sendable {
    var reference = AddressSetReference()
    var padding: UInt32 = 0
    var packets = OldCounterTest()
    var bytes = OldCounterTest()
    var flags: UInt32 = 0
    var morePadding: UInt32 = 0
  }

  struct OldCounterTest: BitwiseCopyable, Sendable {
    var operation: UInt8 = 0
    var padding = InlineArray<7, UInt8>(repeating: 0)
    var value: UInt64 = 0
  }

  /// The corresponding kernel structure is `xt_set_info_match_v0`: a word for each dimension.
  struct Info0: BitwiseCopyable, Sendable {
    var index: UInt16 = 0
    var padding: UInt16 = 0
    var dimensions = InlineArray<7, UInt32>(repeating: 0)
  }

  /// The bits of `flags`: `IPSET_FLAG_*`.
  private enum Flag {
    static let returnNomatch: UInt32 = 1 << 7
    static let skipCounters: UInt32 = 1 << 3
    static let skipSubcounters: UInt32 = 1 << 4
  }

  /// `IPSET_COUNTER_*`.
  private enum Operation {
    static let none: UInt8 = 0, equal: UInt8 = 1, unequal: UInt8 = 2, less: UInt8 = 3, greater: UInt8 = 4
  }

  public static let name = "set"
  public static let families: Families = .both
  public static let summary = "matches packets whose addresses or ports are in an IP set"
  public static let traits: ExtensionTraits = .usesAddressSets
  public static let needs: [HostFact] = [.addressSets]
  public static let initial = Info()

  /// An option that disables a counter update. Only its inverted form has an effect.
  private static func skip(_ name: String, _ flag: UInt32, _ summary: String) -> Option<Info> {
    Option(
      flag: name, present: Presence(get: { $0.kernel.flags & flag != 0 }, set: { _ in }),
      invert: Inversion(get: { $0.kernel.flags & flag != 0 }, set: { if $1 { $0.kernel.flags |= flag } }),
      OptionUse(repeatable: true), summary)
  }

  private static func counter(
    _ name: String, _ path: any WritableKeyPath<Info, CounterTest> & Sendable, _ suffix: String, _ operation: UInt8, inverted: UInt8?
  ) -> Option<Info> {
    let syntax = ValueSyntax<UInt64>.unsigned()
    return Option(
      "--\(name)-\(suffix)", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: ["0", "1000"],
      nearMisses: ["-1", "x"], invertible: inverted != nil,
      OptionUse(excludes: ["eq", "lt", "gt"].filter { $0 != suffix }.map { "--\(name)-\($0)" }), "\(name) counted: \(suffix)",
      read: { info, arguments throws(OptionError) in
        guard let value = arguments.token.unsigned else {
          throw OptionError("bad-value", "Cannot parse \(arguments.token.string) as a counter value", at: arguments.token.range)
        }
        info[keyPath: path].value = value
        info[keyPath: path].operation = arguments.inverted ? inverted ?? operation : operation
      },
      write: { info, text in
        let test = info[keyPath: path]
        guard test.operation == operation || test.operation == inverted else { return }
        text.option("--\(name)-\(suffix)", inverted: test.operation == inverted)
        text.word(String(test.value))
      })
  }

  public static let options: [Option<Info>] = [
    Option(
      "--match-set", arity: 2, placeholder: "name dir[,dir...]", grammar: "string set-directions", samples: ["foo src", "foo dst,src"],
      nearMisses: ["foo", "foo both"], invertible: true, OptionUse(mandatory: true, aliases: ["--set"], content: .set),
      "name of the set, and the fields of the packet to look up",
      read: { info, arguments throws(OptionError) in
        info.kernel.reference = try AddressSetReference(arguments, directions: arguments.second)
        if arguments.inverted { info.kernel.reference.flags |= AddressSetReference.inverted }
        // If the kernel knows the set, only its index is stored, as when the rule is read back.
        if info.kernel.reference.index == AddressSetReference.noIndex { info.set = FixedName(arguments.token.bytes) }
      },
      write: { info, text in
        text.option("--match-set", inverted: info.kernel.reference.flags & AddressSetReference.inverted != 0)
        info.kernel.reference.print(info.set, to: &text)
      }),
    Option(
      flag: "--return-nomatch", present: .bits(\.kernel.flags, Flag.returnNomatch), OptionUse(repeatable: true),
      "match only elements marked nomatch"),
    skip("--update-counters", Flag.skipCounters, "inverted: do not change the counters of the set"),
    skip("--update-subcounters", Flag.skipSubcounters, "inverted: do not change the counters of the sets in a list:set"),
    counter("packets", \.kernel.packets, "eq", Operation.equal, inverted: Operation.unequal),
    counter("packets", \.kernel.packets, "lt", Operation.less, inverted: nil),
    counter("packets", \.kernel.packets, "gt", Operation.greater, inverted: nil),
    counter("bytes", \.kernel.bytes, "eq", Operation.equal, inverted: Operation.unequal),
    counter("bytes", \.kernel.bytes, "lt", Operation.less, inverted: nil),
    counter("bytes", \.kernel.bytes, "gt", Operation.greater, inverted: nil),
  ]

  /// The layout of revisions 1 and 2. Revision 2 stores the nomatch flag in the reference; revision 1 has no such flag.
  private static func short(_ revision: UInt8, knowsNomatch: Bool) -> Layout<Info> {
    Layout(
      revision: revision, AddressSetReference.self, abiSize: MemoryLayout<xt_set_info_match_v1>.size,
      upgrade: { reference in
        var info = Info()
        info.kernel.reference = reference
        if knowsNomatch, reference.flags & AddressSetReference.nomatch != 0 {
          info.kernel.reference.flags &= ~AddressSetReference.nomatch
          info.kernel.flags = Flag.returnNomatch
        }
        return info
      },
      downgrade: { info in
        guard info.kernel.packets.operation == 0, info.kernel.bytes.operation == 0,
          info.kernel.flags & ~(knowsNomatch ? Flag.returnNomatch : 0) == 0
        else { return nil }
        var reference = info.kernel.reference
        if info.kernel.flags != 0 { reference.flags |= AddressSetReference.nomatch }
        return reference
      })
  }

  public static let layouts = [
    Layout<Info>(
      revision: 0, Info0.self, abiSize: MemoryLayout<xt_set_info_match_v0>.size, upgrade: upgrade, downgrade: downgrade),
    short(1, knowsNomatch: false), short(2, knowsNomatch: true),
    Layout<Info>(
      revision: 3, Info3.self, abiSize: MemoryLayout<xt_set_info_match_v3>.size,
      upgrade: { old in
        func test(_ old: OldCounterTest) -> CounterTest { CounterTest(value: old.value, operation: old.operation) }
        return Info(
          kernel: KernelInfo(reference: old.reference, packets: test(old.packets), bytes: test(old.bytes), flags: old.flags))
      },
      downgrade: { info in
        func test(_ new: CounterTest) -> OldCounterTest { OldCounterTest(operation: new.operation, value: new.value) }
        return Info3(
          reference: info.kernel.reference, packets: test(info.kernel.packets), bytes: test(info.kernel.bytes), flags: info.kernel.flags)
      }),
    Layout<Info>(
      revision: 4, KernelInfo.self, abiSize: MemoryLayout<xt_set_info_match_v4>.size, upgrade: { Info(kernel: $0) },
      downgrade: { $0.kernel }),
  ]

  private static func upgrade(_ old: Info0) -> Info {
    var info = Info()
    info.kernel.reference.index = old.index
    for place in 0..<6 where old.dimensions[place] & 0x03 != 0 {
      info.kernel.reference.dimension += 1
      if old.dimensions[place] & 0x01 != 0 { info.kernel.reference.flags |= 1 << UInt8(place + 1) }
    }
    if old.dimensions[0] & 0x04 != 0 { info.kernel.reference.flags |= AddressSetReference.inverted }
    return info
  }

  private static func downgrade(_ info: Info) -> Info0? {
    guard info.kernel.packets.operation == 0, info.kernel.bytes.operation == 0, info.kernel.flags == 0 else { return nil }
    var old = Info0(index: info.kernel.reference.index)
    for place in 0..<min(Int(info.kernel.reference.dimension), 6) {
      old.dimensions[place] = info.kernel.reference.flags >> UInt8(place + 1) & 1 == 1 ? 0x01 : 0x02
    }
    if info.kernel.reference.flags & AddressSetReference.inverted != 0 { old.dimensions[0] |= 0x04 }
    return old
  }

  public static let examples: [Example] = [
    .matches("--match-set known src,dst", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: known, family: .ipv4),
    .misses("--match-set known src,dst", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:54", given: known, family: .ipv4),
    .matches(
      "--match-set known src,dst", "eth0 udp [fd00::9]:1000 > [fd01::9]:53",
      given: .init(sets: ["create known hash:ip,port family inet6", "add known fd00::9,udp:53"]), family: .ipv6),
    .rejects(""), .rejects("--match-set foo"), .rejects("--match-set foo both"), .rejects("--match-set foo src --packets-eq x"),
    .rejects("--match-set foo src ! --packets-lt 1"),
  ]

  /// A set with one address and port.
  private static let known = Example.Given(sets: ["create known hash:ip,port family inet", "add known 10.0.0.9,udp:53"])

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    let reference = info.kernel.reference
    text.glue(reference.flags & AddressSetReference.inverted != 0 ? " !" : "")
    text.word("match-set")
    reference.print(info.set, to: &text)
    let flags = info.kernel.flags
    if flags & Flag.returnNomatch != 0 { text.word("return-nomatch") }
    if flags & Flag.skipCounters != 0 { text.word("! update-counters") }
    if flags & Flag.skipSubcounters != 0 { text.word("! update-subcounters") }
    for (name, test) in [("packets", info.kernel.packets), ("bytes", info.kernel.bytes)] {
      switch test.operation {
      case Operation.equal: text.word("\(name)-eq \(test.value)")
      case Operation.unequal: text.word("! \(name)-eq \(test.value)")
      case Operation.less: text.word("\(name)-lt \(test.value)")
      case Operation.greater: text.word("\(name)-gt \(test.value)")
      default: break
      }
    }
  }

  public static func objects(_ info: Info) -> [KernelObjectUse] { [.needsSet(info.kernel.reference.index)] }

  public static func rebind(_ info: inout Info, _ number: (UInt16) -> UInt16) {
    info.kernel.reference.index = number(info.kernel.reference.index)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.kernel.reference.dimension > 6 { throw .kernel("set: a set has at most six dimensions") }
  }

  /// The rule does not determine the set's content, so the condition is opaque.
  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `set_match_v4`.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    let reference = info.kernel.reference
    let written = info.set.bytes.isEmpty ? "#\(reference.index)" : info.set.string
    guard let sets = packet.world.addressSets else {
      return .unknown(UnknownReason("-m set", needs: "the elements of the set \(written) (--ipset, or `ipsets' in a scenario file)"))
    }
    guard let name = reference.name(info.set, in: sets), let set = sets[name] else {
      return .unknown(UnknownReason("-m set", needs: "a set named \(written)"))
    }
    // The sets of a list may have ports.
    if packet.hasDrawnPort, !set.type.dimensions.allSatisfy({ $0 != .port && $0 != .set }) { return .unknown(PacketContext.drawnPort) }
    var query = reference.query
    query.returnsExceptions = info.kernel.flags & Flag.returnNomatch != 0
    query.updatesCounters = info.kernel.flags & Flag.skipCounters == 0
    query.updatesMemberCounters = info.kernel.flags & Flag.skipSubcounters == 0
    let tests = info.kernel
    query.counters = { tests.packets.holds(for: $0) && tests.bytes.holds(for: $1) }
    let isIn = sets.match(name, query, packet) != nil
    return .of(isIn != (reference.flags & AddressSetReference.inverted != 0))
  }
}

extension SetMatch.CounterTest {
  /// The corresponding kernel function is `ip_set_match_counter`.
  fileprivate func holds(for count: UInt64) -> Bool {
    switch operation {
    case 1: count == value
    case 2: count != value
    case 3: count < value
    case 4: count > value
    default: true
    }
  }
}
