import Conntrack
import Wire
import XTables

/// A set of packets in words, as a part of a larger one: for each field that it restricts, the values that its packets have.
///
/// The words name every packet of the set. They may name more, because fields can depend on each other: see ``isExact``.
public struct PacketRegion: Sendable, Hashable {
  /// The words, in the form in which `ferrule query` reads packets; empty for all packets of the larger set.
  public let text: String
  /// Whether the words name no other packets.
  public let isExact: Bool
}

/// A set of packets of which others are parts, see ``PacketSpace/region(of:in:)``.
struct RegionFrame {
  /// The packets, whatever chance or state decides.
  fileprivate let packets: PacketSet
  /// By field that is said: the values that the packets have.
  fileprivate let values: [PacketSet]
}

extension PacketSpace {
  /// The greatest number of ranges of a field that are listed; a field with more is left out.
  private static let rangesShown = 6

  /// A set, to say in words what its parts are.
  mutating func frame(of packets: PacketSet) -> RegionFrame {
    let packets = withoutChance(packets)
    return RegionFrame(packets: packets, values: values(of: packets))
  }

  /// A part of a set in words: what all packets of the set have in common is left out, and what chance or state decides.
  mutating func region(of packets: PacketSet, in frame: RegionFrame) -> PacketRegion {
    let packets = intersection(withoutChance(packets), frame.packets)
    var hull = frame.packets
    var said: [(place: Int, text: String)] = []
    for ((code, own), possible) in zip(zip(saidCodes, values(of: packets)), frame.values) {
      hull = intersection(hull, own)
      if own == possible || code.levels.isEmpty { continue }
      guard let text = words(of: own, possible, code) else { continue }
      said.append((Self.place(of: code.field), text))
    }
    let text = said.sorted { $0.place < $1.place }.map(\.text).joined(separator: " ")
    return PacketRegion(text: text, isExact: !isExhausted && hull == packets)
  }

  /// The packets, whatever chance or state decides.
  private mutating func withoutChance(_ packets: PacketSet) -> PacketSet {
    projecting(packets, levels: codes.filter(\.isChance).flatMap { Array($0.levels) })
  }

  /// The fields that are said.
  private var saidCodes: [FieldCode] { codes.filter { !$0.isChance } }

  /// By said field: the values that some packets have, in which chance decides nothing.
  private mutating func values(of packets: PacketSet) -> [PacketSet] {
    let groups = saidCodes.map { $0.levels.lowerBound..<$0.end }
    return diagram.values(of: groups, in: packets.edge).map { PacketSet(edge: $0) }
  }

  private static let names: KeyValuePairs<String, String> = [
    "meta.iifname": "in", "meta.oifname": "out", "ip.src": "src", "ip.dst": "dst", "ip.protocol": "", "transport.sport": "sport",
    "transport.dport": "dport", "ct.state": "state", "meta.mark": "mark",
  ]
  /// Fields that only say whether others can be read.
  private static let unsaid: Set<String> = ["transport.room", "transport.overwrites", "ip.fragment"]

  private static func place(of field: Field) -> Int { names.firstIndex { $0.key == field.name } ?? names.count }

  /// The values of a field, or those that it does not have if they are fewer; nil if they are not said.
  private mutating func words(of packets: PacketSet, _ possible: PacketSet, _ code: FieldCode) -> String? {
    if Self.unsaid.contains(code.field.name) { return nil }
    let (packets, possible) = (values(of: packets, code), values(of: possible, code))
    guard let own = ranges(of: packets, code) else { return nil }
    let rest = difference(possible, packets)
    let missing = ranges(of: rest, code)
    let name = Self.names.first { $0.key == code.field.name }?.value ?? code.field.name
    let lead = name.isEmpty ? "" : name + " "
    if let missing, missing.count < own.count || own.count == missing.count && Self.isWide(own, code) {
      return "not \(lead)" + missing.map { text($0, code.field) }.distinct.joined(separator: ",")
    }
    guard own.count <= Self.rangesShown, !own.isEmpty else { return nil }
    return lead + own.map { text($0, code.field) }.distinct.joined(separator: ",")
  }

  /// The values of those packets that have a value of the field, whatever else is noted of its reading.
  private mutating func values(of packets: PacketSet, _ code: FieldCode) -> PacketSet {
    guard !code.outcomeLevels.isEmpty else { return packets }
    return projecting(intersection(packets, numbered(0, of: code)), levels: Array(code.outcomeLevels))
  }

  private static func isWide(_ ranges: [ClosedRange<UInt128>], _ code: FieldCode) -> Bool {
    let greatest = code.width >= 128 ? UInt128.max : (1 << UInt128(code.width)) - 1
    return ranges.contains { $0.upperBound == greatest || $0.lowerBound == 0 && $0.upperBound > greatest / 2 }
  }

  /// The values of a field in a set of that field's values alone, as ranges; nil if there are too many.
  private func ranges(of packets: PacketSet, _ code: FieldCode) -> [ClosedRange<UInt128>]? {
    var found: [ClosedRange<UInt128>] = []
    let spare = code.starts.map { UInt128($0.count) }
    func add(_ low: UInt128, _ high: UInt128) -> Bool {
      if let spare, low >= spare { return true }
      let range = code.values(of: low).lowerBound...code.values(of: high).upperBound
      if let last = found.last, last.upperBound < .max, last.upperBound + 1 == range.lowerBound {
        found[found.count - 1] = last.lowerBound...range.upperBound
      } else {
        found.append(range)
      }
      return found.count <= 64
    }
    func visit(_ edge: UInt32, _ level: Int, _ prefix: UInt128) -> Bool {
      if edge == 1 { return true }
      let free = code.levels.upperBound - level
      if edge == 0 || free <= 0 || Int(diagram.level(edge)) >= code.levels.upperBound {
        let low = free >= 128 ? 0 : prefix << UInt128(free)
        return add(low, free >= 128 ? .max : low | ((1 << UInt128(free)) - 1))
      }
      let isHere = Int(diagram.level(edge)) == level
      return visit(isHere ? diagram.low(edge) : edge, level + 1, prefix << 1)
        && visit(isHere ? diagram.high(edge) : edge, level + 1, prefix << 1 | 1)
    }
    return visit(packets.edge, code.levels.lowerBound, 0) ? found : nil
  }

  private func text(_ range: ClosedRange<UInt128>, _ field: Field) -> String {
    switch field.form {
    case .address:
      let free = range.lowerBound ^ range.upperBound
      let host = (free & (free &+ 1)) == 0 && range.lowerBound & free == 0
      let first = IPAddress(family: family, bits: range.lowerBound)
      guard host else { return "\(first)-\(IPAddress(family: family, bits: range.upperBound))" }
      let prefix = (family == .ipv4 ? 32 : 128) - (128 - free.leadingZeroBitCount)
      return free == 0 ? "\(first)" : "\(first)/\(prefix)"
    case .interface:
      let free = range.lowerBound ^ range.upperBound
      if free != 0, (free & (free &+ 1)) == 0, range.lowerBound & free == 0 {
        return String(decoding: InterfacePattern(name: range.lowerBound, mask: ~free).text, as: UTF8.self)
      }
      return range.lowerBound == range.upperBound
        ? field.text(range.lowerBound) : "\(field.text(range.lowerBound))-\(field.text(range.upperBound))"
    case .flags where field.name == "ct.state" && range.lowerBound == range.upperBound:
      // Whether a connection is translated is said only where it is all that differs.
      let base = range.lowerBound & ~UInt128(ConntrackState.sourceNAT | ConntrackState.destinationNAT)
      return field.text(base == 0 ? range.lowerBound : base)
    default:
      if field.name == "ip.protocol", range.lowerBound == range.upperBound { return Self.name(ofProtocol: range.lowerBound) }
      return range.lowerBound == range.upperBound
        ? field.text(range.lowerBound) : "\(field.text(range.lowerBound)):\(field.text(range.upperBound))"
    }
  }

  private static func name(ofProtocol number: UInt128) -> String {
    switch IPProtocol(rawValue: UInt8(truncatingIfNeeded: number)) {
    case .tcp: "tcp"
    case .udp: "udp"
    case .icmp: "icmp"
    case .icmpv6: "icmpv6"
    case .sctp: "sctp"
    default: "\(number)"
    }
  }
}

extension [String] {
  /// The texts without repetition.
  fileprivate var distinct: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
