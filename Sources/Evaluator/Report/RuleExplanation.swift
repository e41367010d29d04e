import Wire
import XTables

/// The first part of a rule that does not fit a packet.
public struct RuleExplanation: Sendable, Hashable {
  /// As the rule has it: `-p tcp`, `-m tcp --dport 443`.
  public let part: String
  /// What the packet has instead.
  public let reason: String

  public var sentence: String { "\(part): \(reason)" }
}

extension Rule {
  /// Why a packet does not match, tested from left to right; nothing where no part that can be asked without changing anything objects.
  func explanation(_ context: inout PacketContext, _ family: Family, names: NameDatabase = .builtin) -> RuleExplanation? {
    if let failure = header.explanation(context, family) { return failure }
    var doubtful: RuleExplanation?
    for use in matches {
      guard case .match(let behaviour) = use.descriptor.behaviour else { continue }
      var text = RuleText(names: names, family: family)
      text.word("-m")
      text.word(use.descriptor.name)
      use.descriptor.save(use.payload, family: family, to: &text)
      let condition = behaviour.condition(use.payload, family)
      if let reason = condition.explanation(&context) { return RuleExplanation(part: text.string, reason: reason.sentence) }
      if condition.isOpaque, doubtful == nil {
        doubtful = RuleExplanation(part: text.string, reason: "it said no, by what it remembers or by chance")
      }
    }
    return doubtful
  }
}

extension RuleHeader {
  fileprivate func explanation(_ context: borrowing PacketContext, _ family: Family) -> RuleExplanation? {
    guard let head = PacketHead(context) else { return RuleExplanation(part: "the packet", reason: "its header is cut off") }
    let packet = context.packet
    if let failure = address("-s", source, packet.source, .source, family) { return failure }
    if let failure = address("-d", destination, packet.destination, .destination, family) { return failure }
    if let failure = interface("-i", input, context.input, head.input, .input) { return failure }
    if let failure = interface("-o", output, context.output, head.output, .output) { return failure }
    if protocolNumber != 0, family == .ipv4 || isProtocolGiven {
      let differs = protocolNumber != head.proto
      if differs != inverted.contains(.protocol) {
        return RuleExplanation(
          part: option("-p", .protocol) + "\(IPProtocol(rawValue: protocolNumber))", reason: "it is \(IPProtocol(rawValue: head.proto))")
      }
    }
    if isFragment, head.isLaterFragment == inverted.contains(.fragment) {
      return RuleExplanation(part: option("-f", .fragment), reason: head.isLaterFragment ? "it is a later fragment" : "it is no later fragment")
    }
    return nil
  }

  private func option(_ name: String, _ test: Inverted) -> String { (inverted.contains(test) ? "! " : "") + name + " " }

  private func address(
    _ name: String, _ wanted: AddressMask, _ actual: IPAddress?, _ test: Inverted, _ family: Family
  ) -> RuleExplanation? {
    let bits = actual?.bits ?? 0
    guard (bits & wanted.mask != wanted.address) != inverted.contains(test) else { return nil }
    let place = IPAddress(family: family, bits: wanted.address)
    let mask = wanted.prefix(family).map { "\($0)" } ?? "\(IPAddress(family: family, bits: wanted.mask))"
    return RuleExplanation(part: option(name, test) + "\(place)/\(mask)", reason: "it is \(actual.map { "\($0)" } ?? "not there")")
  }

  private func interface(
    _ name: String, _ wanted: InterfacePattern, _ actual: Interface?, _ key: UInt128, _ test: Inverted
  ) -> RuleExplanation? {
    guard ((key ^ wanted.name) & wanted.mask != 0) != inverted.contains(test) else { return nil }
    let reason = actual.map { "it is \($0.name)" } ?? "there is none at this hook"
    return RuleExplanation(part: option(name, test) + String(decoding: wanted.text, as: UTF8.self), reason: reason)
  }
}

extension Condition {
  /// Whether some part of it has memory or takes its chances.
  fileprivate var isOpaque: Bool {
    switch self {
    case .opaque: true
    case .not(let inner): inner.isOpaque
    case .all(let parts), .any(let parts): parts.contains(where: \.isOpaque)
    default: false
    }
  }
}
