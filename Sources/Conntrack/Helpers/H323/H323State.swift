/// What is remembered of a connection of H.323. Kernel: `nf_ct_h323_master`.
public struct H323State: Sendable, Hashable {
  /// Streams that a call may have: sound, pictures, fax and one more. Kernel: `H323_RTP_CHANNEL_MAX`.
  package static let channels = 4

  /// How long the message is whose header came alone, by direction; 0 for none.
  var announcedLengths = PerDirection(0)
  /// The signalling ports, by direction: as announced, and as seen on the other side.
  package var signalPorts = PerDirection<UInt16>(0)
  /// The ports of streams likewise.
  package var mediaPorts = [PerDirection<UInt16>](repeating: PerDirection(0), count: channels)
  /// How long a registration lasts, seconds.
  var timeout: UInt32 = 0
}

/// A value for each direction.
package struct PerDirection<Value: Sendable & Hashable>: Sendable, Hashable {
  private var original: Value
  private var reply: Value

  init(_ both: Value) {
    original = both
    reply = both
  }

  package subscript(_ direction: Direction) -> Value {
    get { direction == .original ? original : reply }
    set {
      if direction == .original { original = newValue } else { reply = newValue }
    }
  }
}
