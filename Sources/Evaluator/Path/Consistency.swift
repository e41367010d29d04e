import Conntrack
import XTables

extension Simulator {
  /// Checks the invariants of the host's state between two packets. Returns one sentence for each violation; empty if there is none.
  ///
  /// Checks all connections, expectations, fragments, queues and waiting packets, so the time grows with their number.
  public func inconsistencies() -> [String] {
    var findings: [String] = []
    let carried = held.values.compactMap { $0.journey.context.attachment.connection }
    if let table = world.conntrack { findings += table.inconsistencies(carried: Set(carried), now: world.instant) }
    findings += fragments.inconsistencies(conntrackSettings.fragments, now: world.instant)
    if depth != 0 { findings.append("\(depth) packets of the host's own are said to be under way") }
    if !stack.pending.isEmpty { findings.append("\(stack.pending.count) packets of sockets were not sent") }
    for (number, listener) in queues {
      let waiting = held.values.count { $0.queue == number }
      if waiting > listener.maximumLength { findings.append("queue \(number) holds \(waiting) packets of \(listener.maximumLength)") }
    }
    return findings
  }
}
