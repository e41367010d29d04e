import Evaluator
import Netfilter
import Wire
import XTables

/// What fields are on a host that follow from one address of the packet alone, such as the type of the address in the routing tables.
///
/// A test of such a field becomes a test of the address. So it is exact, and it follows the address through its translation.
///
/// An object, because what is found of a field serves later questions too.
final class HostFields {
  private let host: Host
  private let family: Family
  /// The first addresses of the intervals in which the routes treat all addresses alike, ascending from 0.
  private let starts: [UInt128]
  /// The greatest address.
  private let last: UInt128
  private var values: [Field: [FieldValue]] = [:]

  init(_ host: Host, _ family: Family, _ boundaries: [ClosedRange<UInt128>]) {
    self.host = host
    self.family = family
    last = family == .ipv4 ? 0xffff_ffff : .max
    var starts: Set<UInt128> = [0]
    for range in boundaries {
      starts.insert(range.lowerBound)
      if range.upperBound < last { starts.insert(range.upperBound + 1) }
    }
    self.starts = starts.sorted()
  }

  /// A condition in which each such test is one of the address; nil if there is none.
  func resolving(_ condition: Condition) -> Condition? {
    switch condition {
    case .always, .never, .opaque, .unknown, .has: return nil
    case .test(let field, let test): return resolved(field, test)
    case .not(let inner): return resolving(inner).map { .not($0) }
    case .all(let parts): return resolving(parts).map { .all($0) }
    case .any(let parts): return resolving(parts).map { .any($0) }
    }
  }

  private func resolving(_ parts: [Condition]) -> [Condition]? {
    var result: [Condition]?
    for (position, part) in parts.enumerated() {
      guard let resolved = resolving(part) else { continue }
      result = result ?? parts
      result?[position] = resolved
    }
    return result
  }

  /// Nil if the field follows from something else too, or is not known for an address.
  private func resolved(_ field: Field, _ test: ValueTest) -> Condition? {
    guard case .fields(let basis) = field.traits.basis, basis.count == 1, let address = basis.first,
      address == .sourceAddress || address == .destinationAddress,
      let needs = field.traits.needs, needs.facts.allSatisfy({ $0 == .addresses || $0 == .routes })
    else { return nil }
    let values = self.values[field] ?? starts.map { read(field, address == .sourceAddress, $0) }
    self.values[field] = values
    var ranges: [Condition] = []
    var first: UInt128?
    for (number, value) in values.enumerated() {
      guard case .value(let content) = value else { return nil }
      let passes = test.holds(for: content)
      if passes, first == nil { first = starts[number] }
      if !passes, let start = first {
        ranges.append(.test(address, .range(start...(starts[number] - 1))))
        first = nil
      }
    }
    if let first { ranges.append(.test(address, .range(first...last))) }
    return .any(ranges)
  }

  private func read(_ field: Field, _ isSource: Bool, _ bits: UInt128) -> FieldValue {
    let (asked, other) = (IPAddress(family: family, bits: bits), IPAddress(family: family, bits: 1))
    let draft = PacketDraft(isSource ? PacketFields(asked, other, proto: .udp) : PacketFields(other, asked, proto: .udp))
    let world = World(now: 0, random: SeededRandom(seed: 1), host: host)
    guard var context = try? draft.context(at: .prerouting, in: world) else { return .absent }
    return field.read(&context)
  }
}
