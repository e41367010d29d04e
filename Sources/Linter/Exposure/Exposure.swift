import Analysis
public import Diagnostics
import Netfilter
public import Wire
public import XTables

/// What a stranger reaches through a ruleset: services of this host, and hosts behind it.
public struct Exposure: Encodable, Sendable {
  /// A socket of this host that waits for connections or datagrams.
  public struct Listener: Sendable, Hashable {
    /// TCP or UDP.
    public let proto: IPProtocol
    /// The port.
    public let port: UInt16
    /// The address on which it listens; nil for every address.
    public let address: IPAddress?
    /// The name of the program, or protocol and port.
    public let name: String

    /// Creates a listener; parameters as the properties of the same names.
    public init(proto: IPProtocol, port: UInt16, address: IPAddress?, name: String) {
      (self.proto, self.port, self.address, self.name) = (proto, port, address, name)
    }
  }

  /// Packets that one rule lets through, on one interface and with one protocol.
  public struct Entry: Encodable, Sendable {
    /// `IPv4` or `IPv6`.
    public let family: String
    /// The interface on which the packets arrive; `any` for every one.
    public let interface: String
    /// `tcp`, `udp` or `other`.
    public let `protocol`: String
    /// The ports, such as `80,443,8000-8010`; `all` for every one.
    public let ports: String
    /// The source addresses; `any` for every one.
    public let sources: String
    /// `this host`, the addresses behind it, or the new destination of a translation.
    public let to: String
    /// The rule that decides, or the policy.
    public let rule: String
    /// The line of the rule in its file; nil for a policy of which the file says nothing.
    public let line: Int?
    /// A packet that is accepted, in the notation of `ferrule run`, which the evaluator has run.
    public let witness: String?
    /// The names of the programs that listen there; nil if it is not known who listens.
    public let listeners: [String]?
    /// What else there is to know, such as that the packets do not pass INPUT.
    public let note: String?
    /// The ports as ranges.
    let ranges: [ClosedRange<UInt128>]
    /// Whether any stranger may be the source.
    let isForStrangers: Bool
    /// 0 for what nobody should reach, 3 for what nobody answers.
    let rank: Int

    enum CodingKeys: String, CodingKey {
      case family, interface, `protocol`, ports, sources, to, rule, line, witness, listeners, note
    }
  }

  /// The entries, the worst first.
  public let open: [Entry]
  /// Sentences about what was not decided.
  public let undecided: [String]

  /// Combines the entries of several rulesets.
  public init(joining parts: [Exposure]) {
    open = parts.flatMap(\.open).enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }.map(\.element)
    undecided = parts.flatMap(\.undecided)
  }

  /// Analyses a ruleset.
  ///
  /// - Parameters:
  ///   - file: the text of the ruleset.
  ///   - interfaces: the interfaces of the host, besides those that rules name.
  ///   - listeners: the sockets of the host; nil if they are not known.
  public init(
    _ ruleset: Ruleset, in file: SourceFile, settings: LintSettings = LintSettings(), interfaces: [String] = [],
    listeners: [Listener]? = nil
  ) {
    var search = ExposureSearch(ruleset, file, settings, interfaces, listeners)
    search.run()
    open = search.entries.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }.map(\.element)
    undecided = search.undecided
  }
}

/// The search for what is open in one ruleset.
private struct ExposureSearch {
  private let ruleset: Ruleset
  private let file: SourceFile
  private let probes: HostProbes?
  private let settings: LintSettings
  private let names: [String]
  private let listeners: [Exposure.Listener]?
  private(set) var entries: [Exposure.Entry] = []
  /// How many packets may still be run: each passes many rules, and there may be as many parts as rules.
  private var trialsLeft: Int
  private static let mostRules = 60_000_000
  private(set) var undecided: [String] = []

  init(
    _ ruleset: Ruleset, _ file: SourceFile, _ settings: LintSettings, _ interfaces: [String], _ listeners: [Exposure.Listener]?
  ) {
    self.ruleset = ruleset
    self.file = file
    self.settings = settings
    self.listeners = listeners
    probes = HostProbes(ruleset, settings, nil)
    let count = ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
    trialsLeft = max(256, Self.mostRules / max(count, 1))
    var names: [String] = []
    for name in interfaces + Interfaces.names(in: ruleset) where !names.contains(name) { names.append(name) }
    self.names = names
  }

  private var family: String { ruleset.family == .ipv4 ? "IPv4" : "IPv6" }

  mutating func run() {
    guard let probes else {
      undecided.append("\(family): chains form a loop or are missing, so nothing is decided")
      return
    }
    let filter = ruleset[table: .filter] ?? Table(.filter, ruleset.family)
    for hook in [Hook.input, .forward] {
      guard let found = OpenPackets(filter, at: hook) else {
        undecided.append(
          "\(family) \(hook.name): the sets of packets become too large; for each rule one packet was tried, and rules before it may leave less "
            + "open than is listed")
        for part in OpenPackets.bounds(filter, at: hook) { add(part, hook, filter, probes) }
        continue
      }
      if found.isShortened { undecided.append("\(family) \(hook.name): some lists of addresses or ports are too long to be written down") }
      for part in found.parts { add(part, hook, filter, probes) }
    }
    addPublished(probes)
    if trialsLeft <= 0 {
      undecided.append(
        "\(family): there are too many rules to run a packet for each; entries without a packet may be dropped by other tables")
    }
  }

  private mutating func add(_ part: OpenPackets.Part, _ hook: Hook, _ filter: Table, _ probes: HostProbes) {
    let witness = trialsLeft > 0 ? proof(part, hook, probes) : nil
    trialsLeft -= 1
    if witness == nil, trialsLeft > 0 { return }
    let rule = part.place.map { filter[$0] }
    let to = hook == .input ? "this host" : RangeText.addresses(part.destinations, ruleset.family, all: "hosts behind this one")
    for interface in interfaces(part.inputs) {
      entries.append(
        entry(
          interface, part.proto, RangeText.clipped(part.ports), part.sources, to, rule, hook, witness, note: nil))
    }
  }

  /// A packet of the part that passes all tables: the one of the sets, or one of a stranger like it.
  private func proof(_ part: OpenPackets.Part, _ hook: Hook, _ probes: HostProbes) -> Witness? {
    var tried = [part.witness]
    for stranger in HostProbes.strangers(ruleset.family) where part.sources.contains(where: { $0.contains(stranger.bits) }) {
      var other = part.witness
      other.draft.fields.source = stranger
      tried.append(other)
    }
    return tried.first { probes.walk($0)?.verdict == .accept }
  }

  /// The names of the interfaces in a set of keys, `any` for all; none of this host itself or of its containers.
  private func interfaces(_ keys: [ClosedRange<UInt128>]) -> [String] {
    func has(_ name: String) -> Bool { keys.contains { $0.contains(InterfacePattern(ArraySlice(name.utf8)).name) } }
    let fresh = "zz9"
    let outside = names.filter { settings.role(of: $0).map { $0 == .external } ?? !Interfaces.isOwn($0) }
    if has(fresh), outside.allSatisfy(has) { return ["any"] }
    return outside.filter(has) + (has(fresh) ? ["any other"] : [])
  }

  private func entry(
    _ interface: String, _ proto: IPProtocol?, _ ports: [ClosedRange<UInt128>], _ sources: [ClosedRange<UInt128>], _ to: String,
    _ rule: Rule?,
    _ hook: Hook,
    _ witness: Witness?, note: String?
  ) -> Exposure.Entry {
    let line = (rule.map(\.source) ?? ruleset[table: .filter]?[chain: hook.name]?.source)?.range.lowerBound
    let number = line.map { file.position(of: $0).line }
    let text = rule == nil ? "the policy of \(hook.name)" : number.map { String(decoding: file.line($0), as: UTF8.self) } ?? ""
    let heard = proto.flatMap { proto in
      to == "this host"
        ? listeners?.filter { listener in
          listener.proto == proto && ports.contains { $0.contains(UInt128(listener.port)) } && !Self.isLoopback(listener.address)
            && (listener.address.map { $0.family == ruleset.family } ?? true)
        }.map { "\($0.name) (\($0.port))" } : nil
    }
    let guarded = GuardedService.all.contains { service in service.proto == proto && ports.contains { $0.contains(UInt128(service.port)) } }
    let isForStrangers = HostProbes.strangers(ruleset.family).allSatisfy { stranger in sources.contains { $0.contains(stranger.bits) } }
    var rank = !isForStrangers ? 2 : guarded ? 0 : 1
    if let heard, heard.isEmpty { rank = 3 }
    return Exposure.Entry(
      family: family, interface: interface, protocol: proto.map { $0 == .tcp ? "tcp" : "udp" } ?? "other",
      ports: proto == nil ? "" : RangeText.numbers(ports), sources: RangeText.addresses(sources, ruleset.family, all: "any"), to: to,
      rule: text, line: number, witness: witness?.line,
      listeners: heard.map { Array(Set($0)).sorted() }, note: note, ranges: ports, isForStrangers: isForStrangers,
      rank: rank)
  }

  private static func isLoopback(_ address: IPAddress?) -> Bool {
    address.map { $0.family == .ipv4 ? $0.bits >> 24 == 127 : $0.bits == 1 } ?? false
  }

  /// The ports that rules of the nat table lead to other hosts.
  private mutating func addPublished(_ probes: HostProbes) {
    guard let nat = ruleset[table: .nat] else { return }
    for translation in Translations(nat, at: .prerouting).all {
      guard let address = translation.address, let witness = probes.forwarding(translation) else { continue }
      let fields = translation.witness.draft.fields
      let proto: IPProtocol? = fields.proto == .tcp ? .tcp : fields.proto == .udp ? .udp : nil
      let old = translation.rule.onlyPorts(ruleset.family).map { UInt128($0.lowerBound)...UInt128($0.upperBound) } ?? 0...65535
      let port = translation.port.map { ":\($0)" } ?? ""
      let to = address.family == .ipv6 && !port.isEmpty ? "[\(address)]\(port)" : "\(address)\(port)"
      let input =
        translation.rule.header.input.matchesAll || translation.rule.header.inverted.contains(.input)
        ? "any" : translation.witness.draft.input ?? "any"
      let source = translation.rule.header.source
      let sources = [source.address...(source.address | ~source.mask & RangeText.greatest(ruleset.family))]
      let isDocker = translation.chain.hasPrefix("DOCKER")
      entries.append(
        entry(
          input, proto, [old], sources, to, translation.rule, .forward, witness,
          note: isDocker ? "published by Docker: these packets do not pass INPUT" : "translated: these packets do not pass INPUT"))
    }
  }
}

extension Interfaces {
  private static let own = [
    "lo", "docker", "br-", "virbr", "veth", "cni", "cali", "flannel", "lxc", "lxdbr", "podman", "kube", "nodelocaldns", "vboxnet", "vmnet",
  ]

  /// Whether an interface leads to this host itself or to its containers and virtual machines, by its name.
  static func isOwn(_ name: String) -> Bool { own.contains { $0 == "lo" ? name == "lo" : name.hasPrefix($0) } }
}

/// Ranges of numbers and addresses as text.
enum RangeText {
  /// The greatest number of ranges that are written.
  private static let most = 12

  static func greatest(_ family: Family) -> UInt128 { family == .ipv4 ? UInt128(UInt32.max) : .max }

  /// The parts of ranges that are ports.
  static func clipped(_ ranges: [ClosedRange<UInt128>]) -> [ClosedRange<UInt128>] {
    ranges.filter { $0.lowerBound <= 65535 }.map { $0.lowerBound...min($0.upperBound, 65535) }
  }

  /// Ports: `80,443,8000-8010`, or `all`.
  static func numbers(_ ranges: [ClosedRange<UInt128>]) -> String {
    if ranges == [0...65535] { return "all" }
    return ranges.map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  /// Addresses: networks where a range is one, otherwise both ends.
  static func addresses(_ ranges: [ClosedRange<UInt128>], _ family: Family, all: String) -> String {
    let last = greatest(family)
    let clipped = ranges.filter { $0.lowerBound <= last }.map { $0.lowerBound...min($0.upperBound, last) }
    if clipped == [0...last] { return all }
    // What is left out is shorter than what is in.
    let rest = complement(clipped, last)
    if rest.count < clipped.count { return "\(all) but \(list(rest, family))" }
    return list(clipped, family)
  }

  private static func complement(_ ranges: [ClosedRange<UInt128>], _ last: UInt128) -> [ClosedRange<UInt128>] {
    var rest: [ClosedRange<UInt128>] = []
    var next: UInt128? = 0
    for range in ranges {
      if let start = next, start < range.lowerBound { rest.append(start...range.lowerBound - 1) }
      next = range.upperBound < last ? range.upperBound + 1 : nil
    }
    return rest + (next.map { [$0...last] } ?? [])
  }

  private static func list(_ clipped: [ClosedRange<UInt128>], _ family: Family) -> String {
    let texts = clipped.prefix(most).map { range -> String in
      let first = IPAddress(family: family, bits: range.lowerBound)
      if range.lowerBound == range.upperBound { return "\(first)" }
      let size = range.upperBound - range.lowerBound
      let isNetwork = size & (size &+ 1) == 0 && range.lowerBound & size == 0
      let bits = (family == .ipv4 ? 32 : 128) - size.nonzeroBitCount
      return isNetwork ? "\(first)/\(bits)" : "\(first)-\(IPAddress(family: family, bits: range.upperBound))"
    }
    return texts.joined(separator: ", ") + (clipped.count > most ? " and \(clipped.count - most) more ranges" : "")
  }
}
