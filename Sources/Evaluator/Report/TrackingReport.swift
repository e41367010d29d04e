import Conntrack
import Netfilter
import Wire
import XTables

/// What connection tracking found out about a packet.
public struct TrackingReport: Sendable, Hashable {
  /// The state that `-m conntrack --ctstate` sees: NEW, ESTABLISHED, RELATED, UNTRACKED or INVALID.
  public let state: String
  /// Why the packet is INVALID, as a sentence without a subject; nil for other states.
  public let invalidity: String?

  /// True if the state is INVALID.
  public var isInvalid: Bool { invalidity != nil }

  /// `NEW`, or `INVALID: ` and the reason.
  public var sentence: String { state + (invalidity.map { ": \($0)" } ?? "") }

  init(_ attachment: Attachment, in table: ConntrackTable) {
    state =
      switch attachment {
      case .none, .answerToUntracked: "INVALID"
      case .untracked: "UNTRACKED"
      case .template: "NEW"
      case .connection(_, let info):
        switch info {
        case .new: "NEW"
        case .established, .establishedReply: "ESTABLISHED"
        case .related, .relatedReply: "RELATED"
        }
      }
    invalidity = state == "INVALID" ? table.lastInvalid?.sentence ?? "" : nil
  }
}

extension Simulator {
  /// Records the packet's state, which `connection tracking` has just determined.
  func noteTracking(_ journey: inout Journey, _ table: ConntrackTable) {
    let tracking = TrackingReport(journey.context.attachment, in: table)
    event.report.packets[journey.report].tracking = tracking
    noteOutcome(&journey, tracking.sentence)
  }

  /// Records why a nat table with rules at the packet's hook is not asked. The corresponding kernel function is `nf_nat_inet_fn`.
  func noteUnasked(_ table: LoadedTable, _ journey: inout Journey, isTracking: Bool) {
    let hook = journey.context.hook
    guard table.program.table.chains.contains(where: { $0.hook == hook && !$0.rules.isEmpty }) else { return }
    let reason =
      if !isTracking {
        "nothing is tracked: no rule needs connection tracking, and without it no packet passes the nat table"
      } else {
        switch journey.context.attachment {
        case .none, .answerToUntracked: "the packet is INVALID"
        case .untracked, .template: "the packet is not tracked"
        case .connection(_, .related), .connection(_, .relatedReply):
          "an ICMP error is translated like the connection of the packet that it quotes"
        case .connection: "only the first packet of a connection passes the nat table"
        }
      }
    noteOutcome(&journey, "not asked: " + reason)
  }
}
