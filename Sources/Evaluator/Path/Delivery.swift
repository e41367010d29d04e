import Conntrack
import Wire
import XTables

/// What becomes of packets behind INPUT.
extension Simulator {
  /// The corresponding kernel functions are `ip_local_deliver_finish` and `ip6_input_finish`.
  func deliver(_ journey: inout Journey) {
    finish(&journey, .delivered)
  }
}
