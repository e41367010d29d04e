/// What an operation at a hook decides about a packet.
///
/// The corresponding kernel constants are `NF_DROP` to `NF_STOP`.
public enum NetfilterVerdict: Sendable, Hashable {
  case accept
  case drop
  /// The operation keeps the packet; nobody else sees it.
  case stolen
  /// Handed to a queue of user space; `bypass` lets it pass when nobody listens.
  case queue(number: UInt16, bypass: Bool)
  /// The same operation is to be called again.
  case `repeat`
  /// Accepted, and no further operation of this hook is called.
  case stop
}
