import Wire

/// Why a condition does not hold for a packet: the decisive field, the packet's value, and the values that would satisfy it.
public struct ConditionExplanation: Sendable, Hashable {
  /// The name of the field; nil if no field is decisive.
  public let field: String?
  /// The value of the packet, or a whole sentence if `field` is nil.
  public let actual: String
  /// The values that would satisfy the condition; empty if there is no such value to name.
  public let wanted: String

  /// `transport.dport is 80, not 443`.
  public var sentence: String {
    guard let field else { return actual }
    return wanted.isEmpty ? "\(field) \(actual)" : "\(field) is \(actual), not \(wanted)"
  }
}

extension Condition {
  /// Why the condition does not hold; nil if it does. Parts with state or chance count as holding, because evaluating them would
  /// change their state.
  public func explanation(_ packet: inout PacketContext) -> ConditionExplanation? {
    var algebra = OnePacket(packet)
    defer { packet.packet.type = algebra.context.packet.type }
    return requirement().failure(&algebra)
  }
}

extension Requirement {
  /// Why a packet does not meet the requirement; nil if it does.
  fileprivate func failure(_ packet: inout OnePacket) -> ConditionExplanation? {
    let decision = decide(&packet)
    if decision.holds { return nil }
    switch self {
    case .test(let field, let test, let holds): return field.failure(test, holds, &packet.context)
    case .every(let parts):
      // The match ends at the first part that is not met.
      for part in parts { if let failure = part.failure(&packet) { return failure } }
      return nil
    case .either(let parts):
      var failures: [ConditionExplanation] = []
      for part in parts {
        guard let failure = part.failure(&packet) else { continue }
        if !part.decide(&packet).fails { return failure }
        failures.append(failure)
      }
      return Self.join(failures)
    case .settled: return ConditionExplanation(field: nil, actual: "no packet can match", wanted: "")
    case .opaque: return nil
    case .unknown(let reason): return ConditionExplanation(field: nil, actual: reason.sentence, wanted: "")
    }
  }

  /// Joins alternatives of the same field into one list.
  private static func join(_ reasons: [ConditionExplanation]) -> ConditionExplanation? {
    guard let first = reasons.first else { return ConditionExplanation(field: nil, actual: "no packet can match", wanted: "") }
    guard reasons.allSatisfy({ $0.field == first.field && $0.actual == first.actual }) else {
      return ConditionExplanation(field: nil, actual: reasons.map(\.sentence).joined(separator: ", and "), wanted: "")
    }
    return ConditionExplanation(field: first.field, actual: first.actual, wanted: reasons.map(\.wanted).joined(separator: ", "))
  }
}

extension Field {
  fileprivate func failure(_ test: ValueTest?, _ holds: Bool, _ packet: inout PacketContext) -> ConditionExplanation {
    switch read(&packet) {
    case .value(let value), .doomed(let value):
      guard let test else { return ConditionExplanation(field: name, actual: "is present", wanted: "") }
      return ConditionExplanation(field: name, actual: text(value), wanted: text(test, inverted: !holds))
    case .absent: return ConditionExplanation(field: name, actual: "is absent", wanted: "")
    case .malformed: return ConditionExplanation(field: name, actual: "is truncated: the packet is dropped", wanted: "")
    case .unknown(let reason): return ConditionExplanation(field: nil, actual: reason.sentence, wanted: "")
    }
  }
}
