/// What an operation at a hook decides about a packet.
///
/// The corresponding kernel constants are `NF_DROP` to `NF_STOP`.
public enum NetfilterVerdict: Sendable, Hashable {
  case accept
  case drop
  /// The operation keeps the packet; no later operation sees it.
  case stolen
  /// Queued to user space. With `bypass` the packet is accepted if the queue has no listener.
  case queue(number: UInt16, bypass: Bool)
  /// The same operation is called again.
  case `repeat`
  /// Accepted, and no further operation of this hook is called.
  case stop
}
