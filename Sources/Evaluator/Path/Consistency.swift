import Conntrack
import XTables

extension Simulator {
  /// Checks the invariants of the host's state between two packets. Returns one sentence for each violation; empty if there is none.
  ///
  /// Checks all connections, expectations, fragments, queues and waiting packets, so the time grows with their number.
  public func inconsistencies() -> [String] {
    var findings: [String] = []
    let carried = waiting.held.values.compactMap { $0.journey.context.attachment.connection }
    if let table = world.conntrack { findings += table.inconsistencies(carried: Set(carried), now: world.instant) }
    findings += waiting.fragments.inconsistencies(conntrackSettings.fragments, now: world.instant)
    if event.depth != 0 { findings.append("\(event.depth) packets of the host's own are said to be under way") }
    if !event.pending.isEmpty { findings.append("\(event.pending.count) packets of sockets were not sent") }
    for (number, listener) in queues {
      let count = waiting.count(inQueue: number)
      if count > listener.maximumLength { findings.append("queue \(number) holds \(count) packets of \(listener.maximumLength)") }
    }
    return findings
  }
}
