import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What the matches and targets that Ferrule knows are tried with: their own examples, as rules.
enum Catalogue {
  /// A match or target as an example has it.
  struct Use: Sendable, CustomTestStringConvertible {
    let use: ExtensionUse
    let family: Family
    let table: TableName
    let text: String

    var testDescription: String { "\(use.descriptor.name) \(text) (\(family))" }
    /// The hooks at which the kernel lets it stand.
    var hooks: [Hook] {
      table.hooks.filter { use.descriptor.scope(family).hooks?.contains(HookMask([$0])) ?? true }
    }
  }

  static let matches = uses(.match)
  static let targets = uses(.target)

  /// Every field that the examples ask for or write, and those of the header of a rule.
  static let fields: [Field] = Set(fields(.ipv4) + fields(.ipv6)).sorted { $0.name < $1.name }

  /// Those of one family: what IPv6 alone has is not to be read from a packet of IPv4.
  static func fields(of family: Family) -> [Field] { family == .ipv4 ? ofIPv4 : ofIPv6 }

  private static let ofIPv4 = fields(.ipv4)
  private static let ofIPv6 = fields(.ipv6)

  private static func fields(_ family: Family) -> [Field] {
    var fields: Set<Field> = [
      .inputInterface, .outputInterface, .protocolNumber, .isLaterFragment, .headerChain, .sourceAddress, .destinationAddress,
      .sourcePort, .destinationPort, .mark, .priority, .securityMark, .isTraced,
    ]
    for match in matches where match.family == family { fields.formUnion(match.use.condition(match.family).fields) }
    for use in matches + targets where use.family == family {
      fields.formUnion(use.use.descriptor.writes(use.use.payload, use.family).fields)
    }
    return fields.sorted { $0.name < $1.name }
  }

  private static func uses(_ kind: ExtensionDescriptor.Kind) -> [Use] {
    Registry.ferrule.all.filter { $0.kind == kind }.flatMap { descriptor in
      descriptor.examples.filter { $0.saved != nil }.flatMap { example in
        [Family.ipv4, .ipv6].filter { descriptor.families.contains($0) && (example.family ?? $0) == $0 }
          .compactMap { use(of: descriptor, example, $0) }
      }
    }
  }

  private static func use(of descriptor: ExtensionDescriptor, _ example: Example, _ family: Family) -> Use? {
    let table = example.table
    let scope = descriptor.scope(family)
    guard let hook = table.hooks.first(where: { scope.hooks?.contains(HookMask([$0])) ?? true }) else { return nil }
    let words = [example.before, descriptor.kind == .match ? "-m" : "-j", descriptor.name, example.text].filter { !$0.isEmpty }
    let text = "*\(table.rawValue)\n-A \(hook.name) \(words.joined(separator: " "))\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family)
      .parse(SourceFile(name: "example", bytes: Array(text.utf8)))
    guard let rule = parsed.ruleset.tables.first?[chain: hook.name]?.rules.first else { return nil }
    let all = rule.matches + (rule.target.extensionUse.map { [$0] } ?? [])
    return all.last { $0.descriptor === descriptor }.map { Use(use: $0, family: family, table: table, text: example.text) }
  }
}

extension RuleTarget {
  fileprivate var extensionUse: ExtensionUse? { if case .use(let use) = self { use } else { nil } }
}

/// Draws packets at hooks: whole, in fragments, cut short and broken, with and without a connection.
struct DrawnContexts {
  var random: SeededRandom
  let world: World

  init(seed: UInt64) throws {
    random = SeededRandom(seed: seed)
    world = World(
      now: 1_700_000_000_000_000_000, random: SeededRandom(seed: seed),
      host: try Host(
        yaml: """
          interfaces: {eth0: {addresses: [10.0.0.1/24, "fd00::1/64"]}, eth1: {addresses: [10.0.1.1/24, "fd01::1/64"]}}
          routes: []
          """))
    world.conntrack = ConntrackTable(seed: seed)
  }

  mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
  mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(number(0...255)) } }

  private static let addresses: [Family: [String]] = [
    .ipv4: ["10.0.0.9", "10.0.1.9", "10.0.0.1", "192.0.2.1", "192.0.2.77", "224.0.0.5", "255.255.255.255", "127.0.0.1"],
    .ipv6: ["fd00::9", "fd01::9", "fd00::1", "2001:db8::1", "ff02::1", "fe80::1", "::1", "2001:db8:1::7"],
  ]
  private static let protocols: [UInt8] = [6, 6, 6, 17, 17, 1, 58, 132, 136, 33, 50, 51, 108, 135, 47, 200, 59]

  mutating func fields(_ family: Family) -> PacketFields {
    let (source, destination) = (pick(Self.addresses[family] ?? []), pick(Self.addresses[family] ?? []))
    let any = IPAddress(family: family, bits: 0)
    var fields = PacketFields(
      IPAddress(source) ?? any, IPAddress(destination) ?? any, proto: IPProtocol(rawValue: pick(Self.protocols)))
    fields.sourcePort = pick([0, 53, 80, 1000, 65535])
    fields.destinationPort = pick([0, 22, 53, 80, 443, 8080, 65535])
    fields.tcpFlags = TCPFlags(rawValue: pick([0x02, 0x12, 0x10, 0x04, 0xC2, UInt8(number(0...255))]))
    fields.tcpOptions = pick([
      [], [], [2, 4, 5, 0xB4], [1, 1, 3, 3, 7], [8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 4, 1, 0], [2, 9, 1], bytes(number(0...12)),
    ])
    if chance(0.05) { fields.dataOffset = UInt8(number(0...15)) }
    fields.icmpType = pick([nil, 0, 3, 8, 128, 129, 135])
    fields.icmpCode = UInt8(number(0...4))
    fields.ttl = pick([0, 1, 2, 64, 254, 255])
    fields.tos = pick([0, 0x03, 0x10, 0xB8, 0xFF])
    fields.payload = pick([[], [], Array("hello".utf8), Array("GET / HTTP/1.0".utf8), bytes(number(0...40))])
    if !fields.proto.hasPorts || chance(0.1) { fields.transportBytes = bytes(number(0...40)) }
    if chance(0.15) { fields.fragment = pick([.init(offset: 8), .init(offset: 24), .init(offset: 0, length: 16, moreFragments: true)]) }
    if family == .ipv4, chance(0.1) { fields.ipOptions = [1, 1, 1, 0] }
    if family == .ipv6, chance(0.4) {
      fields.extensions = (0..<number(1...2)).map { _ in
        .init(
          pick([.hopByHop, .destinationOptions, .routing, .ah]),
          body: pick([[4, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0] + bytes(16), bytes(number(0...22))]))
      }
    }
    return fields
  }

  /// Nil where no packet can be built, or where no table would look at it.
  mutating func context(_ family: Family, at hook: Hook) -> PacketContext? {
    guard var packet = try? fields(family).packet() else { return nil }
    let header = family == .ipv4 ? 20 : 40
    if chance(0.1) { packet.bytes = Array(packet.bytes.prefix(number(header...max(header, packet.count)))) }
    if chance(0.1), packet.count > header { packet.bytes[number(header...(packet.count - 1))] = UInt8(number(0...255)) }
    packet.type = pick([.host, .host, .broadcast, .multicast])
    let interfaces = ["eth0", "eth1", "ppp0"].enumerated().map { Interface(index: Int32($0.offset + 2), name: $0.element) }
    let isOwn = hook == .output || hook == .postrouting && chance(0.5)
    var context = PacketContext(packet: packet, family: family, hook: hook, world: world)
    if !isOwn {
      context.input = pick(interfaces)
      if chance(0.7) {
        let (source, destination) = (MACAddress(rawValue: UInt64(number(0...9))), MACAddress(rawValue: 1))
        context.packet.link = LinkHeader(source: source, destination: destination, etherType: family == .ipv4 ? 0x0800 : 0x86dd)
      }
      if chance(0.1) { context.physicalInput = pick(interfaces) }
    } else if chance(0.8) {
      context.owner = pick([SocketFacts(uid: 1000, gid: 100, supplementaryGroups: [7]), SocketFacts(), .kernel])
    }
    if hook != .prerouting, hook != .input { context.output = pick(interfaces) }
    context.mark = pick([0, 1, 7, 0x1f, 0xffff_ffff, UInt32(number(0...0xffff))])
    context.priority = UInt32(number(0...3))
    context.securityMark = pick([0, 0, 5])
    attach(&context)
    return context.packet.transport == nil ? nil : context
  }

  private mutating func attach(_ context: inout PacketContext) {
    switch number(0...9) {
    case 0: context.attachment = .untracked
    case 1: context.attachment = .template(Template())
    case 2, 3: break
    default:
      let hook: Hook = context.hook == .output ? .output : .prerouting
      _ = world.conntrack?.incoming(packet: context.packet, attachment: &context.attachment, hook: hook, now: world.instant)
      guard let handle = context.attachment.connection else { return }
      if chance(0.5) { world.conntrack?.setMark(pick([0, 1, 7, 0xf0f0, .max]), of: handle) }
      if chance(0.3) { world.conntrack?.setLabels(UInt128(number(0...255)), of: handle) }
    }
  }
}
