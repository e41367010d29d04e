public import Diagnostics
public import Evaluator
import Netfilter
public import Wire
import XTables

/// A packet's path in encodable form.
public struct PathOutline: Encodable, Sendable {
  struct Hop: Encodable, Sendable {
    let hook: String
    let `in`: String?
    let out: String?
    let operations: [Operation]
  }

  struct Operation: Encodable, Sendable {
    let name: String
    let outcome: String
    let steps: [Step]
  }

  struct Step: Encodable, Sendable {
    let table: String
    let chain: String
    let kind: String
    let number: Int
    let action: String
    let file: String?
    let line: Int?
  }

  struct PacketOutline: Encodable, Sendable {
    let origin: String
    let brief: String
    let `in`: String?
    let mark: UInt32
    /// NEW, ESTABLISHED, RELATED, UNTRACKED or INVALID; nil if nothing is tracked.
    let ctstate: String?
    /// Why the packet is INVALID.
    let invalid: String?
    let hooks: [Hop]
    let logs: [String]
    let notes: [String]
    let verdict: String
    let because: String
  }

  struct Exit: Encodable, Sendable {
    let interface: String
    let brief: String
    let hex: String
  }

  /// The packet as the user wrote it.
  let packet: String
  let verdict: String
  let because: String
  let expected: String?
  let isExpected: Bool?
  let packets: [PacketOutline]
  let departures: [Exit]
  /// The host's connections after the packet, if requested.
  public var connections: [ConnectionOutline]?
  /// The host's expectations after the packet, if requested.
  public var expectations: [ExpectationOutline]?

  /// Creates the outline of a report.
  ///
  /// - Parameters:
  ///   - packet: the packet as the user wrote it.
  ///   - expected: the expected verdict, if there is one.
  ///   - file: returns the file with the rules of a family, for line numbers.
  public init(
    _ packet: String, _ report: PathReport, expected: VerdictPattern?, file: (Family) -> SourceFile?
  ) {
    self.packet = packet
    verdict = report.verdict.name
    because = report.verdict.text
    self.expected = expected?.description
    isExpected = expected?.holds(for: report)
    packets = report.packets.map { packet in
      let source = file(packet.family)
      return PacketOutline(
        origin: packet.origin.rawValue, brief: packet.packet.brief, in: packet.input, mark: packet.mark,
        ctstate: packet.tracking?.state, invalid: packet.tracking?.invalidity,
        hooks: packet.passages.map { passage in
          Hop(
            hook: passage.hook.name, in: passage.input, out: passage.output,
            operations: passage.operations.map { operation in
              Operation(name: operation.name, outcome: operation.outcome, steps: operation.steps.map { Self.step($0, source) })
            })
        },
        logs: packet.logs.map(\.description), notes: packet.notes, verdict: packet.verdict.name, because: packet.verdict.text)
    }
    departures = report.departures.map {
      Exit(interface: $0.interface, brief: $0.packet.brief, hex: Hex.string($0.packet.bytes))
    }
  }

  private static func step(_ step: RuleStep, _ source: SourceFile?) -> Step {
    Step(
      table: step.table.rawValue, chain: step.chain, kind: step.kind.rawValue, number: step.number, action: step.action,
      file: step.source == nil ? nil : source?.name,
      line: step.source.flatMap { source?.position(of: Int($0.lowerBound)).line })
  }
}
