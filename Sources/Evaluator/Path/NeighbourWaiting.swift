import Conntrack
import Wire
import XTables

/// A packet that waits for the resolution of its next hop. Kernel: `neighbour.arp_queue`.
struct NeighbourWaiter {
  let context: PacketContext
  let hop: IPAddress
  let output: Interface
  /// The time in nanoseconds at which resolution fails.
  let deadline: UInt64
}

extension Simulator {
  /// Three probes, one second each, in nanoseconds. Kernel: `NEIGH_VAR_MCAST_PROBES`, `NEIGH_VAR_RETRANS_TIME`.
  private static let probing: UInt64 = 3_000_000_000

  /// The next hop does not answer: the packet waits, and when all probes have failed the sender gets an error.
  ///
  /// The corresponding kernel function is `__neigh_event_send`.
  func waitForNeighbour(_ journey: inout Journey, _ hop: IPAddress, _ output: Interface) -> Bool {
    var context = journey.context
    context.attachment = .none
    context.effects = []
    let asked = waiting.neighbours.first { $0.hop == hop && $0.output == output }
    waiting.neighbours.append(
      NeighbourWaiter(
        context: context, hop: hop, output: output, deadline: asked?.deadline ?? world.now &+ Self.probing))
    return lose(&journey, "no neighbour answers for \(hop) on \(host.name(of: output))")
  }

  /// Removes and returns the packets whose deadline is reached.
  func expireNeighbourWaiters(by end: UInt64) -> [NeighbourWaiter] {
    let over = waiting.neighbours.filter { $0.deadline <= end }
    if !over.isEmpty { waiting.neighbours.removeAll { $0.deadline <= end } }
    return over
  }

  /// Fails the resolution. The corresponding kernel functions are `arp_error_report` and `ndisc_error_report`.
  func giveUp(_ waiter: NeighbourWaiter) {
    var context = waiter.context
    let index = open(.own, context.packet, context.family, mark: context.mark)
    event.report.packets[index].verdict = .lost("no neighbour answered for \(waiter.hop)")
    context.answerICMPError(type: context.family == .ipv4 ? 3 : 1, code: context.family == .ipv4 ? 1 : 3)
    var journey = Journey(context: context, report: index, isRecorded: false)
    settleEffects(&journey)
  }
}
