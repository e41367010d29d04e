import Documents
import NAT
import Netfilter
import Wire
import XTables

@testable import Conntrack

/// One rule of a nat table, as far as the recorded scenarios have need of them.
struct NATRule {
  var hook: String
  var input: String?
  var output: String?
  var source: (bits: UInt128, length: Int)?
  var destination: (bits: UInt128, length: Int)?
  var proto: String?
  var ports: ClosedRange<Int>?
  var target: String
  var range: NATRange

  init?(_ json: JSONValue) {
    guard let hook = json["hook"]?.text, let target = json["target"]?.text else { return nil }
    self.hook = hook
    self.target = target
    input = json["in"]?.text
    output = json["out"]?.text
    proto = json["proto"]?.text
    source = json["src"]?.text.flatMap(NATRule.network)
    destination = json["dst"]?.text.flatMap(NATRule.network)
    if let port = json["dport"]?.integer { ports = port...port }
    if let text = json["dport"]?.text { ports = NATRule.bounds(text, ":") }
    range = NATRange()
    if let to = json["to"]?.text {
      if let network = NATRule.network(to), to.contains("/") {
        let mask = IPv4Address.mask(prefixLength: network.length)
        range.addresses = network.bits...(network.bits | UInt128(~mask.rawValue))
      } else {
        let ends = to.split(separator: "-").compactMap { IPAddress($0)?.bits }
        guard let first = ends.first, let last = ends.last else { return nil }
        range.addresses = first...last
      }
      range.flags.insert(.mapAddresses)
    }
    if let text = json["ports"]?.text {
      let parts = text.split(separator: "/")
      guard let bounds = NATRule.bounds(String(parts[0]), "-") else { return nil }
      range.flags.insert(.protocolSpecified)
      range.minimumID = UInt16(bounds.lowerBound)
      range.maximumID = UInt16(bounds.upperBound)
      if parts.count == 2, let base = UInt16(parts[1]) {
        range.flags.insert(.protocolOffset)
        range.baseID = base
      }
    }
    if case .array(let flags)? = json["flags"], flags.contains(.string("persistent")) { range.flags.insert(.persistent) }
  }

  private static func bounds(_ text: String, _ separator: Character) -> ClosedRange<Int>? {
    let ends = text.split(separator: separator).compactMap { Int($0) }
    guard let first = ends.first, let last = ends.last, first <= last else { return nil }
    return first...last
  }

  private static func network(_ text: String) -> (bits: UInt128, length: Int)? {
    let parts = text.split(separator: "/")
    guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    return (address.bits, parts.count == 2 ? Int(parts[1]) ?? 32 : address.family.addressBits)
  }

  func matches(_ packet: Packet, hook: Hook, input: String?, output: String?) -> Bool {
    guard self.hook == hook.description, self.input == nil || self.input == input, self.output == nil || self.output == output,
      let at = packet.transport, proto == nil || proto == at.proto.description
    else { return false }
    if let ports {
      guard let port = packet.bytes.uint16(at: at.offset + 2), ports.contains(Int(port)) else { return false }
    }
    return NATRule.contains(source, packet.source) && NATRule.contains(destination, packet.destination)
  }

  private static func contains(_ network: (bits: UInt128, length: Int)?, _ address: IPAddress?) -> Bool {
    guard let network else { return true }
    guard let address else { return false }
    let shift = UInt128(address.family.addressBits - network.length)
    return shift >= 128 || address.bits >> shift == network.bits >> shift
  }
}

extension Hook {
  var description: String { name }
}

/// A router with three interfaces and a nat table, laid out as the recording kernel's.
struct NATReplay {
  let table: ConntrackTable
  let rules: [NATRule]
  let helpers: [(proto: String, port: UInt16, name: String)]
  var random: SeededRandom
  var now = Instant.seconds(1000)

  /// - Parameter seed: stands for what the kernel drew when it booted.
  init(_ record: KernelRecord, seed: UInt64 = 42) {
    table = Replay(record, seed: seed).table
    random = SeededRandom(seed: seed &+ 1)
    rules = record.nat
    helpers = record.helpers
    table.registerStandardHelpers()
    if !record.nat.isEmpty { table.helperNAT = HelperTranslation(seed: seed &+ 2) }
  }

  /// What the CT target would attach.
  private func template(_ packet: Packet) -> Attachment {
    guard let family = packet.family, let at = packet.transport, let port = packet.bytes.uint16(at: at.offset + 2),
      let wanted = helpers.first(where: { $0.proto == at.proto.description && $0.port == port }),
      let id = table.helper(named: wanted.name, family, at.proto)
    else { return .none }
    return .template(Template(helper: id))
  }

  /// The first difference from the kernel, or nil.
  mutating func difference(_ record: KernelRecord) -> String? {
    for (index, step) in record.steps.enumerated() {
      now = Instant(nanoseconds: now.nanoseconds + UInt64(step.sleep * 1e9) + 2_000_000)
      if !step.packet.isEmpty {
        let (state, output) = send(Packet(bytes: step.packet), from: step.input)
        if state != step.state { return "step \(index): kernel \(step.state), here \(state)" }
        let wanted = step.output?.map { NATReplay.text($0.interface, $0.bytes) } ?? []
        let got =
          output.map { sent in
            (sent.packet.fragments(mtu: 1500) ?? []).map { NATReplay.text(sent.interface, $0.bytes) }
          } ?? []
        if step.output != nil, wanted != got { return "step \(index): kernel sent \(wanted), here \(got)" }
      }
      let checker = Checker(table: table, now: now)
      if let lines = step.connections, let difference = checker.compare(lines) { return "step \(index): \(difference)" }
      if let lines = step.expectations, let difference = checker.compareExpectations(lines) { return "step \(index): \(difference)" }
    }
    return Checker(table: table, now: now).compare(record.final).map { "at the end: \($0)" }
  }

  /// A packet for comparison: the identification in an IPv6 Fragment header made by the kernel is by chance.
  private static func text(_ interface: String, _ bytes: [UInt8]) -> String {
    var bytes = bytes
    if let walk = IPv6ExtensionHeaders(bytes), bytes[0] >> 4 == 6 {
      for header in walk where header.proto == .fragment { bytes.setUInt32(0, at: header.offset + 4) }
    }
    return "\(interface) \(Packet(bytes: bytes).brief) \(Hex.string(bytes))"
  }

  private static func route(_ packet: Packet) -> String? {
    switch packet.destination {
    case .v4(let address)?:
      if [IPv4Address(10, 0, 0, 1), IPv4Address(10, 0, 1, 1), IPv4Address(198, 51, 100, 1)].contains(address) { return nil }
      return address.rawValue >> 8 == 0x0A0000 ? "eth0" : address.rawValue >> 8 == 0x0A0001 ? "eth1" : "eth2"
    case .v6(let address)?:
      if ["fd00::1", "fd00:0:0:1::1", "2001:db8::1"].contains(address.description) { return nil }
      return address.rawValue >> 64 == 0xFD00_0000_0000_0000 ? "eth0" : address.rawValue >> 64 == 0xFD00_0000_0000_0001 ? "eth1" : "eth2"
    case nil: return nil
    }
  }

  private static func address(of interface: String?, _ packet: Packet) -> IPAddress? {
    let isV4 = packet.family == .ipv4
    return switch interface {
    case "eth0": IPAddress(isV4 ? "10.0.0.1" : "fd00::1")
    case "eth1": IPAddress(isV4 ? "10.0.1.1" : "fd00:0:0:1::1")
    default: IPAddress(isV4 ? "198.51.100.1" : "2001:db8::1")
    }
  }

  private mutating func translate(
    _ packet: inout Packet, _ attachment: Attachment, _ hook: Hook, input: String?, output: String?
  ) -> NetfilterVerdict {
    let (rules, table, now) = (rules, table, now)
    var inner = random
    defer { random = inner }
    var chance = random
    return table.translate(
      packet: &packet, attachment: attachment, hook: hook, output: output.map { $0 == "eth2" ? 3 : 2 }, random: &chance, now: now
    ) { packet in
      guard let handle = attachment.connection,
        let rule = rules.first(where: { $0.matches(packet, hook: hook, input: input, output: output) })
      else { return .accept }
      switch rule.target {
      case "MASQUERADE":
        return table.masquerade(
          handle, rule.range, to: NATReplay.address(of: output, packet), interface: output == "eth2" ? 3 : 2, random: &inner, now: now)
      case "REDIRECT":
        return table.redirect(
          handle, rule.range, to: NATReplay.address(of: input, packet), hook: hook, random: &inner, now: now)
      case "NETMAP":
        let manip = Manip(hook)
        guard let address = manip == .source ? packet.source : packet.destination else { return .drop }
        return table.setUpNAT(handle, rule.range.netmapped(address), manip, random: &inner, now: now)
      default:
        return table.setUpNAT(handle, rule.range, Manip(hook), random: &inner, now: now)
      }
    }
  }

  private mutating func send(_ packet: Packet, from input: String) -> (String, (interface: String, packet: Packet)?) {
    // What the IP layer refuses never comes to PREROUTING.
    guard var packet = packet.trimmed() else { return ("", nil) }
    var attachment = Attachment.none
    switch table.defragment(packet: &packet, attachment: attachment, hook: .prerouting, interface: 1, now: now) {
    case .accept: break
    default: return ("", nil)
    }
    attachment = template(packet)
    guard table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now) == .accept else { return ("", nil) }
    let state = Checker.name(attachment)
    defer { table.release(attachment) }
    guard translate(&packet, attachment, .prerouting, input: input, output: nil) == .accept else { return (state, nil) }
    guard let output = NATReplay.route(packet) else {
      guard translate(&packet, attachment, .input, input: input, output: nil) == .accept,
        table.help(packet: &packet, attachment: attachment, now: now) == .accept,
        table.confirm(attachment: &attachment, now: now) == .accept
      else { return (state, nil) }
      return (state, nil)
    }
    packet.setTTL((packet.ttl ?? 1) &- 1)
    guard translate(&packet, attachment, .postrouting, input: nil, output: output) == .accept,
      table.help(packet: &packet, attachment: attachment, now: now) == .accept,
      table.confirm(attachment: &attachment, now: now) == .accept
    else { return (state, nil) }
    return (state, (output, packet))
  }
}
