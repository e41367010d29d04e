import Evaluator
import Netfilter
import Wire
import XTables

/// Leads the packet of a walk from hook to hook as a host's routes do.
struct WalkRouting {
  /// The next step of a packet.
  enum Step {
    /// To the hook, with an output interface if the hook has a new one.
    case on(Interface?)
    /// The packet is dropped: it has no route.
    case dropped
    /// To another hook or interface, or it is not known where.
    case elsewhere
  }

  /// What decides the route of a packet of this host.
  private struct Key: Equatable {
    let destination: IPAddress?
    let mark: UInt32
    let tos: UInt8?

    init(_ context: borrowing PacketContext) {
      (destination, mark, tos) = (context.packet.destination, context.mark, context.packet.tos)
    }
  }

  private let host: Host
  private let draft: PacketDraft
  private let start: Key

  init(_ witness: Witness, _ context: borrowing PacketContext, on host: Host) {
    self.host = host
    draft = witness.draft
    start = Key(context)
  }

  /// Where the packet goes that a walk leads to a hook.
  func step(_ context: borrowing PacketContext, to hook: Hook) -> Step {
    guard let destination = context.packet.destination else { return .elsewhere }
    func route(from source: IPAddress?) -> RouteAnswer? {
      host.route(to: destination, from: source, mark: context.mark, input: context.input, output: nil)
    }
    switch hook {
    case .prerouting: return .on(nil)
    case .input:
      if destination.isMulticast { return .on(nil) }
      guard let answer = route(from: nil) else { return .elsewhere }
      return [.local, .broadcast, .anycast].contains(answer.type) ? .on(nil) : .elsewhere
    case .forward:
      guard let answer = route(from: nil) else {
        return host.nextHops(to: destination).first { $0.name == draft.output }.map { .on($0) } ?? .elsewhere
      }
      return answer.type == .unicast ? leaving(by: answer.output) : .elsewhere
    case .output:
      guard let answer = route(from: nil) else { return .elsewhere }
      return leaving(by: answer.output)
    case .postrouting:
      if draft.input != nil || Key(context) == start { return .on(nil) }
      guard let answer = route(from: context.packet.source) else { return .elsewhere }
      return answer.output.map { .on($0) } ?? .dropped
    }
  }

  /// By an interface, if the packet of the walk leaves by it.
  private func leaving(by output: Interface?) -> Step {
    guard let output, draft.output.map({ $0 == output.name }) ?? true else { return .elsewhere }
    return .on(output)
  }

  /// Whether the nat table has seen the packet at OUTPUT: it comes from the host itself. IPv4 takes its source from no one else.
  func isTranslatedBefore(_ context: borrowing PacketContext) -> Bool {
    guard context.family == .ipv4, context.hook == .prerouting || context.hook == .input, context.input?.name == "lo",
      let source = context.packet.source
    else { return false }
    return host.holds(source)
  }
}
