import Wire

/// Why a condition does not hold for a packet: the field it turns on, what the packet has, and what would do.
public struct ConditionExplanation: Sendable, Hashable {
  /// The field's name; nil where none decides it.
  public let field: String?
  public let actual: String
  public let wanted: String

  /// `transport.dport is 80, not 443`.
  public var sentence: String {
    guard let field else { return actual }
    return wanted.isEmpty ? "\(field) \(actual)" : "\(field) is \(actual), not \(wanted)"
  }
}

extension Condition {
  /// Why the condition does not hold; nothing where it does. Parts with memory or chance count as holding: asking them would change them.
  public func explanation(_ packet: inout PacketContext) -> ConditionExplanation? {
    switch evaluate(&packet) {
    case .stopped(let reason): reason
    case .value(true): nil
    case .value(false): reason(wanting: true, &packet)
    }
  }

  fileprivate enum Value {
    case value(Bool)
    /// The match fails, whatever else it says.
    case stopped(ConditionExplanation)
  }

  /// From left to right, as ``MatchProgram`` runs it.
  private func evaluate(_ packet: inout PacketContext) -> Value {
    switch self {
    case .always, .opaque: return .value(true)
    case .never: return .value(false)
    case .not(let inner):
      guard case .value(let value) = inner.evaluate(&packet) else { return inner.evaluate(&packet) }
      return .value(!value)
    case .all(let parts), .any(let parts):
      let isAll = if case .all = self { true } else { false }
      for part in parts {
        switch part.evaluate(&packet) {
        case .stopped(let reason): return .stopped(reason)
        case .value(let value): if value != isAll { return .value(value) }
        }
      }
      return .value(isAll)
    case .has(let field): return field.decide(&packet) { _ in true }
    case .test(let field, let test): return field.decide(&packet) { test.holds(for: $0) }
    case .unknown(let reason):
      return .stopped(ConditionExplanation(field: nil, actual: reason.sentence, wanted: ""))
    }
  }

  /// What made the condition other than wanted; it is known to be so.
  private func reason(wanting wanted: Bool, _ packet: inout PacketContext) -> ConditionExplanation? {
    switch self {
    case .always, .never, .opaque, .has, .unknown:
      return ConditionExplanation(field: nil, actual: wanted ? "nothing can match" : "everything matches", wanted: "")
    case .not(let inner): return inner.reason(wanting: !wanted, &packet)
    case .test(let field, let test):
      guard case .value(let value) = field.read(&packet) else { return nil }
      return ConditionExplanation(field: field.name, actual: field.text(value), wanted: field.text(test, inverted: !wanted))
    case .all(let parts), .any(let parts):
      let isAll = if case .all = self { true } else { false }
      // One part is enough to spoil a conjunction, or to make an alternative hold.
      if isAll == wanted {
        for part in parts {
          if case .value(let value) = part.evaluate(&packet), value != wanted { return part.reason(wanting: wanted, &packet) }
        }
        return nil
      }
      return join(parts.compactMap { $0.reason(wanting: wanted, &packet) })
    }
  }

  /// Alternatives of the same field as one list.
  private func join(_ reasons: [ConditionExplanation]) -> ConditionExplanation? {
    guard let first = reasons.first else { return nil }
    guard reasons.allSatisfy({ $0.field == first.field && $0.actual == first.actual }) else {
      return ConditionExplanation(field: nil, actual: reasons.map(\.sentence).joined(separator: ", and "), wanted: "")
    }
    return ConditionExplanation(field: first.field, actual: first.actual, wanted: reasons.map(\.wanted).joined(separator: ", "))
  }
}

extension Field {
  fileprivate func decide(_ packet: inout PacketContext, _ holds: (UInt128) -> Bool) -> Condition.Value {
    switch read(&packet) {
    case .value(let value), .doomed(let value): .value(holds(value))
    case .absent: .stopped(ConditionExplanation(field: name, actual: "is not there", wanted: ""))
    case .malformed: .stopped(ConditionExplanation(field: name, actual: "is cut short: the packet is dropped", wanted: ""))
    case .unknown(let reason): .stopped(ConditionExplanation(field: nil, actual: reason.sentence, wanted: ""))
    }
  }

  /// How a value of the field is written.
  private enum Form { case number, hexadecimal, address, flags, states, interface }

  private var form: Form {
    switch name {
    case "tcp.flags": .flags
    case "ct.state": .states
    case "physdev.in", "physdev.out": .interface
    default:
      if bits == 128 { .address } else if name.hasSuffix("mark") || name.hasSuffix("status") || name == "ip.tos" { .hexadecimal } else { .number }
    }
  }

  fileprivate func text(_ value: UInt128) -> String {
    switch form {
    case .number: return bits == 1 ? (value == 0 ? "no" : "yes") : "\(value)"
    case .hexadecimal: return "0x" + String(value, radix: 16)
    case .address: return "\(IPAddress(family: value >> 32 == 0 ? .ipv4 : .ipv6, bits: value))"
    case .flags: return value == 0 ? "none" : "\(TCPFlags(rawValue: UInt8(truncatingIfNeeded: value)))"
    case .interface: return String(decoding: InterfacePattern(name: value, mask: .max).text, as: UTF8.self)
    case .states: return stateNames(value)
    }
  }

  /// The bits as `--ctstate` names them: `XT_CONNTRACK_STATE_*`.
  private func stateNames(_ value: UInt128) -> String {
    let names = [(0, "INVALID"), (1, "ESTABLISHED"), (2, "RELATED"), (3, "NEW"), (6, "SNAT"), (7, "DNAT"), (8, "UNTRACKED")]
    let set = names.filter { value >> UInt128($0.0) & 1 == 1 }.map(\.1)
    return set.isEmpty ? "0x" + String(value, radix: 16) : set.joined(separator: ",")
  }

  fileprivate func text(_ test: ValueTest, inverted: Bool) -> String {
    if case .masked(0, let mask) = test { return (inverted ? "" : "none of ") + text(mask) }
    return (inverted ? "anything but " : "") + text(test)
  }

  private func text(_ test: ValueTest) -> String {
    switch test {
    case .range(let range):
      return range.lowerBound == range.upperBound ? text(range.lowerBound) : "\(text(range.lowerBound)) to \(text(range.upperBound))"
    case .masked(let value, let mask):
      let all: UInt128 = bits >= 128 ? .max : (1 << UInt128(bits)) - 1
      return mask & all == all ? text(value) : "\(text(value))/\(form == .number ? "0x" + String(mask, radix: 16) : text(mask))"
    }
  }
}
