import Analysis
import Netfilter
import Wire
import XTables

/// The rules of a nat table that change destinations, each with a packet that matches it.
struct Translations {
  /// One of these rules.
  struct Entry {
    /// The rule.
    let rule: Rule
    /// The place of the rule in the nat table.
    let place: RulePosition
    /// The chain that has the rule.
    let chain: String
    /// A packet that matches the rule, before the translation.
    let witness: Witness
    /// The new destination, if it is one address of another host or of the loopback network; nil for the host itself and for no change.
    let address: IPAddress?
    /// The new destination port; nil if it stays, or is chosen from a range.
    let port: UInt16?
    /// Whether packets go to this host: to an address of its interface, or a loopback address.
    let isLocal: Bool

    /// A packet behind the translation.
    func translated(_ draft: PacketDraft) -> PacketDraft {
      var draft = draft
      if let address { draft.fields.destination = address }
      if let port { draft.fields.destinationPort = port }
      return draft
    }

    /// Whether the new destination is an address that rules of INPUT name.
    func isOwn(_ probes: HostProbes) -> Bool { address.map { probes.own.contains($0) } ?? true }
  }

  /// The rules, in the order of chains and rules.
  let all: [Entry]
  /// The greatest number of rules that are looked at.
  private static let most = 256

  /// Collects the rules that a hook reaches.
  init(_ nat: Table, at hook: Hook) {
    let reach = ChainReach(nat)
    let site = EffectSite(family: nat.family, hook: hook)
    var all: [Entry] = []
    for (index, chain) in nat.chains.enumerated() where reach.hooks[index].contains(HookMask(hook)) {
      for (position, rule) in chain.rules.enumerated() where all.count < Self.most {
        let place = RulePosition(chain: index, rule: position)
        guard case .use(let use) = rule.target, let entry = Self.entry(rule, place, chain.name, use, site) else { continue }
        all.append(entry)
      }
    }
    self.all = all
  }

  private static func entry(_ rule: Rule, _ place: RulePosition, _ chain: String, _ use: ExtensionUse, _ site: EffectSite) -> Entry? {
    let effects = use.descriptor.effects(use.payload, site)
    guard FieldWrites(effects).fields.contains(.destinationAddress) || FieldWrites(effects).fields.contains(.destinationPort),
      let witness = rule.condition(site.family).witness(site.family, at: site.hook)
    else { return nil }
    var address: IPAddress?
    var port: UInt16?
    var writesAddress = false
    for effect in effects {
      guard case .change(let field, let change, _) = effect else { continue }
      if field == .destinationAddress { writesAddress = true }
      guard let value = change.constant else { continue }
      if field == .destinationAddress { address = IPAddress(family: site.family, bits: value) }
      if field == .destinationPort { port = UInt16(truncatingIfNeeded: value) }
    }
    let isLoopback = address.map { $0.family == .ipv4 ? $0.bits >> 24 == 127 : $0.bits == 1 } ?? false
    // A target that has no address of its own takes one of this host.
    let takesOwn = use.descriptor.needs.contains(.addresses)
    guard witness.draft.fields.proto.hasPorts || port == nil, writesAddress || port != nil else { return nil }
    return Entry(
      rule: rule, place: place, chain: chain, witness: witness, address: takesOwn ? nil : address, port: port,
      isLocal: takesOwn || isLoopback)
  }
}

extension Rule {
  /// The destination ports that the rule demands, if it demands a single port or range by one test; nil otherwise.
  func onlyPorts(_ family: Family) -> ClosedRange<UInt16>? {
    var found: ClosedRange<UInt16>?
    func search(_ condition: Condition) -> Bool {
      switch condition {
      case .all(let parts): return parts.allSatisfy(search)
      case .test(let field, .range(let range)) where field == .destinationPort:
        guard found == nil else { return false }
        found = UInt16(truncatingIfNeeded: range.lowerBound)...UInt16(truncatingIfNeeded: range.upperBound)
        return true
      case .not(let inner): return !inner.fields.contains(.destinationPort)
      case .any(let parts): return !parts.contains { $0.fields.contains(.destinationPort) }
      default: return true
      }
    }
    return search(condition(family)) ? found : nil
  }

  /// Whether the rule, apart from the ports, may be meant for the packets of a translation: it does not ask for another destination, interface,
  /// protocol, or for the original destination.
  func isFor(_ translation: Translations.Entry, _ hooks: HookMask) -> Bool {
    let fields = translation.witness.draft.fields
    guard header.protocolNumber == fields.proto.rawValue, !header.inverted.contains(.protocol) else { return false }
    if header.destination.mask != 0 {
      guard let address = translation.address, !header.inverted.contains(.destination),
        header.destination.address == address.bits & header.destination.mask
      else { return false }
    }
    // Packets for this host come to INPUT, others to FORWARD.
    guard hooks.contains(translation.isLocal ? .input : .forward) else { return false }
    let theirs = translation.rule.header.input
    if !header.input.matchesAll, !theirs.matchesAll, header.input != theirs { return false }
    if header.source.mask != 0, translation.rule.header.source != header.source { return false }
    return !matches.contains { $0.condition(fields.source.family).fields.contains { $0.name.hasPrefix("ct.") && $0.name != "ct.state" } }
  }

  /// Whether the target changes sources.
  func translatesSource(_ family: Family) -> Bool {
    guard case .use(let use) = target else { return false }
    let site = EffectSite(family: family, hook: .postrouting)
    return FieldWrites(use.descriptor.effects(use.payload, site)).fields.contains(.sourceAddress)
  }

  /// Whether the target copies a field to another one.
  func saves(_ field: Field, _ family: Family) -> Bool {
    guard case .use(let use) = target else { return false }
    return Hook.allCases.contains { hook in
      use.descriptor.effects(use.payload, EffectSite(family: family, hook: hook)).contains { effect in
        if case .change(_, .copied(let from, _, _, _, _), _) = effect { return from == field }
        return false
      }
    }
  }
}

extension Table {
  /// Whether a rule before another one refuses some packets to a port by state or chance.
  func limits(port: UInt16, before rule: Rule) -> Bool {
    for chain in chains {
      for other in chain.rules {
        if other.source == rule.source, other.source != nil { break }
        let isRefusing: Bool
        switch other.target {
        case .verdict(.drop), .verdict(.return), .goto: isRefusing = true
        case .use(let use):
          if case .target(let behaviour) = use.descriptor.behaviour { isRefusing = behaviour.ending == .always } else { isRefusing = false }
        case .none, .verdict, .jump: isRefusing = false
        }
        if isRefusing, !other.condition(family).isDecidable, other.onlyPorts(family).map({ $0.contains(port) }) ?? true { return true }
      }
    }
    return false
  }
}

extension Ruleset {
  /// Whether a rule of the filter table asks if the destination was translated, which single packets here do not tell.
  var asksForTranslation: Bool {
    guard let filter = self[table: .filter] else { return false }
    return filter.chains.contains { chain in
      chain.rules.contains { rule in
        let condition = rule.condition(family)
        guard let state = condition.fields.first(where: { $0.name == "ct.state" }) else { return false }
        let translated = UInt64(ConntrackState.destinationNAT)
        // Bits that only translated connections have.
        return condition.asksBit(of: state, UInt128(translated))
      }
    }
  }
}

extension Condition {
  /// Whether a test of a field depends on a bit.
  fileprivate func asksBit(of field: Field, _ bit: UInt128) -> Bool {
    switch self {
    case .not(let inner): inner.asksBit(of: field, bit)
    case .all(let parts), .any(let parts): parts.contains { $0.asksBit(of: field, bit) }
    case .test(field, .masked(_, let mask)): mask & bit != 0
    case .test(field, .range(let range)): range.contains(bit) && range.lowerBound == range.upperBound
    default: false
    }
  }
}

extension HostProbes {
  /// An ICMP message to this host; nil if the family's addresses cannot be read.
  func message(_ type: UInt8, _ code: UInt8, state: UInt16?) -> Witness? {
    let isDiscovery = ruleset.family == .ipv6 && type >= 133 && type <= 136
    guard let stranger = isDiscovery ? IPAddress("fe80::9") : Self.strangers(ruleset.family).first, let own = own.first,
      let input = external.first
    else { return nil }
    var fields = PacketFields(stranger, own, proto: ruleset.family == .ipv4 ? .icmp : .icmpv6)
    fields.icmpType = type
    fields.icmpCode = code
    if isDiscovery { fields.ttl = 255 }
    return Witness(draft: PacketDraft(fields, input: input), hook: .input, state: isDiscovery ? ConntrackState.untracked : state)
  }

  /// A packet of a stranger, as it arrives, that a rule translates and that all tables then accept in FORWARD; nil if none is found.
  func forwarding(_ translation: Translations.Entry) -> Witness? {
    guard translation.address != nil, let stranger = Self.strangers(ruleset.family).first else { return nil }
    var draft = translation.witness.draft
    draft.fields.source = stranger
    let own = draft.input.map { external.contains($0) ? [] : [$0] } ?? []
    for input in external + own {
      draft.input = input
      for output in Interfaces.names(in: ruleset).prefix(16) where output != input && output != "lo" {
        draft.output = output
        guard isForwarded(translation, draft) else { continue }
        if let witness = translated(draft, by: translation, to: .accept) { return witness }
      }
    }
    return nil
  }

  /// Whether the filter table alone accepts the translated packet: all tables need not be asked for each one that it drops.
  private func isForwarded(_ translation: Translations.Entry, _ draft: PacketDraft) -> Bool {
    if ruleset.asksForTranslation { return true }
    let witness = Witness(draft: translation.translated(draft), hook: .forward, state: nil)
    return filterProbe.decidedWalk(witness)?.verdict == .accept
  }

  /// A packet as it arrives, with what it needs for a rule to translate it and for all tables then to give it a verdict; nil if they do not.
  func translated(_ draft: PacketDraft, by translation: Translations.Entry, to verdict: RulesetWalk.Verdict) -> Witness? {
    probe.shown(Witness(draft: draft, hook: .forward, state: nil)) { walk in
      walk.verdict == verdict && walk.rules.contains { $0.table == .nat && $0.place == translation.place }
    }
  }
}
