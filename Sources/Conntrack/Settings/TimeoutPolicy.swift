public import Wire

/// Names a timeout policy registered with a table.
public struct TimeoutPolicyID: Sendable, Hashable {
  let rawValue: UInt16
}

/// Timeouts for connections to which target CT assigns the policy. Kernel: `nf_ct_timeout`.
public struct TimeoutPolicy: Sendable {
  /// The name by which target CT refers to the policy.
  public var name: String
  /// The family that the policy is for.
  public var family: Family
  /// The protocol that the policy is for.
  public var proto: IPProtocol
  /// The timeouts; other settings are ignored.
  public var settings: ConntrackSettings

  /// Creates a policy. `settings` are usually the table's, with some timeouts changed.
  public init(name: String, family: Family, proto: IPProtocol, settings: ConntrackSettings) {
    self.name = name
    self.family = family
    self.proto = proto
    self.settings = settings
  }
}

extension ConntrackCore {
  /// Registers a policy under its name. Replaces an earlier policy of the same name.
  @discardableResult
  mutating func register(_ policy: TimeoutPolicy) -> TimeoutPolicyID {
    if let index = timeoutPolicies.firstIndex(where: { $0.name == policy.name }) {
      timeoutPolicies[index] = policy
      return TimeoutPolicyID(rawValue: UInt16(truncatingIfNeeded: index))
    }
    timeoutPolicies.append(policy)
    return TimeoutPolicyID(rawValue: UInt16(truncatingIfNeeded: timeoutPolicies.count - 1))
  }

  /// The policy of a name for a family and protocol; nil if there is none.
  func timeoutPolicy(named name: String, _ family: Family, _ proto: IPProtocol) -> TimeoutPolicyID? {
    timeoutPolicies.firstIndex { $0.name == name && $0.family == family && $0.proto == proto }
      .map { TimeoutPolicyID(rawValue: UInt16(truncatingIfNeeded: $0)) }
  }
}
