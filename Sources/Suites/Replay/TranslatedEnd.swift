import Conntrack
public import Evaluator
import Netfilter
public import Wire
import XTables

extension PathReport {
  /// Why the destination to which a packet was sent cannot be reached, if the packet ended after its destination was translated: rules then see
  /// the new address and port. Nil for other packets.
  ///
  /// - Parameter packet: the packet as it arrived or was sent.
  public func unreachableDestination(of packet: Packet?) -> String? {
    guard let own = packets.first, case .dropped(let hook, let step, _) = own.verdict, let before = packet?.portTuple,
      let after = own.packet.portTuple, (before.destinationBits, before.destinationID) != (after.destinationBits, after.destinationID)
    else { return nil }
    func end(_ tuple: Tuple) -> String {
      tuple.family == .ipv6 ? "[\(tuple.destination)]:\(tuple.destinationID)" : "\(tuple.destination):\(tuple.destinationID)"
    }
    let place = step.map { "\($0.tableTitle) \($0.chain)" } ?? hook.name
    return "\(before.proto) \(end(before)) is unreachable: its destination was translated to \(end(after)), which the rules of \(place) see"
  }
}
