public import Wire

extension RuleHeader {
  /// One option of the header, with what it asks.
  public struct Part: Sendable {
    public enum Option: Sendable, Hashable {
      case source, destination, input, output, fragment, `protocol`
      /// IPv6 only: `-p`, whatever the protocol, so that the chain of headers must be readable.
      case headerChain
    }

    public let option: Option
    public let condition: Condition
  }

  /// What the header tests, in the order in which the kernel does. Options that exclude no packet are left out.
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
    // Without the flag of -p the kernel looks at no protocol in IPv6, whatever number stands there.
    if family == .ipv6, isProtocolGiven { parts.append(Part(option: .headerChain, condition: .has(.headerChain))) }
    if protocolNumber != 0, family == .ipv4 || isProtocolGiven {
      add(.protocol, .equals(.protocolNumber, protocolNumber), .protocol)
    }
    return parts
  }

  /// What the header means.
  public func condition(_ family: Family) -> Condition {
    let parts = parts(family)
    return parts.isEmpty ? .always : .all(parts.map(\.condition))
  }
}

extension ExtensionUse {
  /// What a match means; ``Condition/always`` for a target.
  public func condition(_ family: Family) -> Condition {
    guard case .match(let behaviour) = descriptor.behaviour else { return .always }
    return behaviour.condition(payload, family)
  }
}

extension Rule {
  /// What header and matches ask together.
  public func condition(_ family: Family) -> Condition {
    .all(header.parts(family).map(\.condition) + matches.map { $0.condition(family) })
  }
}
