public import Wire

extension RuleHeader {
  /// One option of the header and its condition.
  public struct Part: Sendable {
    /// An option of the header.
    public enum Option: Sendable, Hashable {
      case source, destination, input, output, fragment, `protocol`
      /// The implicit test of `-p` in IPv6, with any protocol: the chain of headers must be readable.
      case headerChain
    }

    /// The option.
    public let option: Option
    /// What the option tests, its inversion included.
    public let condition: Condition
  }

  /// The tests of the header in the kernel's order. Options that exclude no packet are left out.
  ///
  /// The corresponding kernel functions are `ip_packet_match` and `ip6_packet_match`.
  public func parts(_ family: Family) -> [Part] {
    var parts: [Part] = []
    func add(_ option: Part.Option, _ condition: Condition, _ inversion: Inverted) {
      parts.append(Part(option: option, condition: condition.inverted(inverted.contains(inversion))))
    }
    func address(_ option: Part.Option, _ field: Field, _ pattern: AddressMask, _ inversion: Inverted) {
      guard pattern != AddressMask() || inverted.contains(inversion) else { return }
      add(option, .masked(field, pattern.address, mask: pattern.mask), inversion)
    }
    func interface(_ option: Part.Option, _ field: Field, _ pattern: InterfacePattern, _ inversion: Inverted) {
      guard !pattern.matchesAll || inverted.contains(inversion) else { return }
      add(option, .masked(field, pattern.name & pattern.mask, mask: pattern.mask), inversion)
    }
    address(.source, .sourceAddress, source, .source)
    address(.destination, .destinationAddress, destination, .destination)
    interface(.input, .inputInterface, input, .input)
    interface(.output, .outputInterface, output, .output)
    if isFragment { add(.fragment, .equals(.isLaterFragment, 1), .fragment) }
    // In IPv6 the kernel ignores the protocol number if the flag of -p is not set.
    if family == .ipv6, isProtocolGiven { parts.append(Part(option: .headerChain, condition: .has(.headerChain))) }
    if protocolNumber != 0, family == .ipv4 || isProtocolGiven {
      add(.protocol, .equals(.protocolNumber, protocolNumber), .protocol)
    }
    return parts
  }

  /// The condition of the header.
  public func condition(_ family: Family) -> Condition {
    let parts = parts(family)
    return parts.isEmpty ? .always : .all(parts.map(\.condition))
  }
}

extension ExtensionUse {
  /// The condition of a match; ``Condition/always`` for a target.
  public func condition(_ family: Family) -> Condition {
    guard case .match(let behaviour) = descriptor.behaviour else { return .always }
    return behaviour.condition(payload, family)
  }
}

extension Rule {
  /// The condition of header and matches together.
  public func condition(_ family: Family) -> Condition {
    .all(header.parts(family).map(\.condition) + matches.map { $0.condition(family) })
  }
}
