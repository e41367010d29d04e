import Conntrack
import Wire

/// What a connection of this host knows of the peer's acknowledgments and window. Kernel: `snd_una`, `snd_wl1`, `snd_wnd`, `max_window` and
/// `bytes_acked` of `tcp_sock`.
struct StackSendWindow {
  /// The value of an acknowledgment number. The corresponding kernel function is `tcp_ack`.
  enum Judgment {
    case accepted
    /// Data that was acknowledged before.
    case old
    /// Data that was acknowledged before, further back than a window or all of the connection's data.
    case tooOld
    /// Data that was not sent.
    case unsent
  }

  /// The first sequence number that is not acknowledged.
  private(set) var acknowledged: UInt32
  /// The shift of the peer's window.
  var scale: UInt8 = 0
  private var acknowledgedBytes: UInt64 = 0
  private var window: UInt32 = 0
  private var largestWindow: UInt32 = 0
  private var updatedBy: UInt32 = 0

  init(first: UInt32) { acknowledged = first }

  /// Starts with the window of the segment that begins the connection.
  mutating func begin(at first: UInt32, _ header: TCPHeader, isScaled: Bool) {
    acknowledged = first
    window = UInt32(header.window) << (isScaled ? UInt32(scale) : 0)
    largestWindow = window
    updatedBy = header.sequence
  }

  /// True if a segment has the window that is known.
  func hasWindow(of header: TCPHeader) -> Bool { UInt32(header.window) << UInt32(scale) == window }

  /// Judges a segment's acknowledgment number, and notes it with the segment's window if it is accepted.
  ///
  /// - Parameter next: the sequence number after everything that was sent.
  mutating func judge(_ header: TCPHeader, next: UInt32) -> Judgment {
    let number = header.acknowledgment
    if number.isBefore(acknowledged) {
      let reach = UInt32(min(UInt64(largestWindow), acknowledgedBytes))
      return number.isBefore(acknowledged &- reach) ? .tooOld : .old
    }
    if number.isAfter(next) { return .unsent }
    let offered = UInt32(header.window) << (header.flags.contains(.syn) ? 0 : UInt32(scale))
    // The corresponding kernel function is `tcp_may_update_window`.
    let isNewer = number.isAfter(acknowledged) || header.sequence.isAfter(updatedBy)
    if isNewer || header.sequence == updatedBy && (offered > window || offered == 0) {
      updatedBy = header.sequence
      window = offered
      largestWindow = max(largestWindow, offered)
    }
    acknowledgedBytes += UInt64(number &- acknowledged)
    acknowledged = number
    return .accepted
  }
}
