import Wire
import XTables

/// The first part of a rule that does not match a packet.
public struct RuleExplanation: Sendable, Hashable {
  /// The part as written in the rule: `-p tcp`, `-m tcp --dport 443`.
  public let part: String
  /// The packet's actual value.
  public let reason: String

  /// `part: reason`.
  public var sentence: String { "\(part): \(reason)" }
}

extension Rule {
  /// The first part from the left that does not match the packet. Nil if every part that can be tested without side effects matches.
  func explanation(_ context: inout PacketContext, _ family: Family, names: NameDatabase = .builtin) -> RuleExplanation? {
    guard PacketHead(context) != nil else { return RuleExplanation(part: "the packet", reason: "the header is truncated") }
    for part in header.parts(family) {
      guard let failure = part.condition.explanation(&context) else { continue }
      let isMissing = failure.actual == Field.inputInterface.text(0) && [.input, .output].contains(part.option)
      return RuleExplanation(
        part: header.text(part.option, family),
        reason: isMissing ? "the packet has none at this hook" : failure.wanted.isEmpty ? failure.sentence : "it is \(failure.actual)")
    }
    var doubtful: RuleExplanation?
    // A compiled rule has the index of a set only.
    let names = context.world.addressSets?.names(over: names) ?? names
    for use in matches {
      var text = RuleText(names: names, family: family)
      if !use.descriptor.isUnread {
        text.word("-m")
        text.word(use.descriptor.name)
      }
      use.descriptor.save(use.payload, family: family, to: &text)
      let condition = use.condition(family)
      if let reason = condition.explanation(&context) { return RuleExplanation(part: text.string, reason: reason.sentence) }
      if condition.isOpaque, doubtful == nil {
        doubtful = RuleExplanation(part: text.string, reason: "did not match; this match depends on state or randomness")
      }
    }
    return doubtful
  }
}

extension RuleHeader {
  /// An option of the header as written in a rule.
  fileprivate func text(_ option: Part.Option, _ family: Family) -> String {
    func written(_ name: String, _ test: Inverted, _ value: String = "") -> String {
      (inverted.contains(test) ? "! " : "") + name + (value.isEmpty ? "" : " " + value)
    }
    func network(_ wanted: AddressMask) -> String {
      let mask = wanted.prefix(family).map { "\($0)" } ?? "\(IPAddress(family: family, bits: wanted.mask))"
      return "\(IPAddress(family: family, bits: wanted.address))/\(mask)"
    }
    switch option {
    case .source: return written("-s", .source, network(source))
    case .destination: return written("-d", .destination, network(destination))
    case .input: return written("-i", .input, String(decoding: input.text, as: UTF8.self))
    case .output: return written("-o", .output, String(decoding: output.text, as: UTF8.self))
    case .fragment: return written("-f", .fragment)
    case .headerChain, .protocol: return written("-p", .protocol, "\(IPProtocol(rawValue: protocolNumber))")
    }
  }
}
