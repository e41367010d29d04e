/// The state of an H.323 connection. Kernel: `nf_ct_h323_master`.
public struct H323State: Sendable, Hashable {
  /// The maximum number of media streams of a call. Kernel: `H323_RTP_CHANNEL_MAX`.
  package static let channels = 4

  /// The length of the next message if its TPKT header was a segment of its own, by direction; 0 for none.
  var announcedLengths = PerDirection(0)
  /// The signalling ports, by direction: as announced and as translated.
  package var signalPorts = PerDirection<UInt16>(0)
  /// The ports of media streams, by direction: as announced and as translated.
  package var mediaPorts = [PerDirection<UInt16>](repeating: PerDirection(0), count: channels)
  /// The lifetime of a registration, in seconds.
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
