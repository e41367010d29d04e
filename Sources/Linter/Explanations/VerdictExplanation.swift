import Compiler
import XTables

/// The page of a verdict after -j that is no extension.
public struct VerdictExplanation: Encodable, Sendable {
  /// The name after -j.
  public let name: String
  let summary: String
  let explanation: String

  enum CodingKeys: String, CodingKey {
    case name, summary
    case explanation = "text"
  }

  /// The page as text for a terminal.
  public var text: String { "-j \(name): \(summary)\n\n" + Paragraph.wrap(explanation) + "\n" }

  /// The page of a verdict; nil for other names. Case is ignored.
  public static func named(_ name: String) -> VerdictExplanation? { all.first { $0.name == name.uppercased() } }

  /// The pages of all verdicts.
  public static let all: [VerdictExplanation] = [
    VerdictExplanation(
      .accept, "the packet leaves the table and proceeds",
      """
      The rest of the chain, and the chains that called it, are not asked. The tables behind this one, and those of later hooks, are: a packet that \
      mangle PREROUTING accepts can still be dropped by filter INPUT. As the policy of a built-in chain, it decides about packets that reach the end.
      """),
    VerdictExplanation(
      .drop, "the packet is discarded without an answer",
      """
      The sender learns nothing and waits until a timeout; -j REJECT answers instead. In the nat table the kernel allows DROP in no rule, because only \
      the first packet of a connection is asked there. As the policy of a built-in chain, it decides about packets that reach the end.
      """),
    VerdictExplanation(
      .queue, "the packet is passed to a program that listens to queue 0",
      """
      Without a program that has opened the queue, the packet is dropped. -j NFQUEUE chooses another queue and can let packets pass if no program \
      listens.
      """),
    VerdictExplanation(
      .return, "the packet returns to the calling chain",
      """
      It proceeds at the rule behind the jump. After a goto (-g) it returns to where the calling chain would have returned. In a built-in chain the \
      policy decides.
      """),
  ]

  private init(_ verdict: StandardVerdict, _ summary: String, _ text: String) {
    name = verdict.rawValue
    self.summary = summary
    explanation = text
  }
}
