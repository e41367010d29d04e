import Wire

/// SYN cookies: initial sequence numbers that identify a client without stored state (RFC 4987 §3.6). As the kernel's, they encode the
/// minute and one of four segment sizes under a secret, and are valid for two minutes. The corresponding kernel functions are
/// `secure_tcp_syn_cookie` and `check_tcp_syn_cookie`.
struct SynproxyCookie {
  private let flow: Tuple
  private let seed: HashSeed

  /// - Parameter flow: the tuple from the client to the server.
  init(_ flow: Tuple, _ seed: HashSeed) {
    self.flow = flow
    self.seed = seed
  }

  /// The segment sizes that a cookie can encode. Kernel: `msstab`.
  private var segmentSizes: [UInt16] { flow.family == .ipv4 ? [536, 1300, 1440, 1460] : [1220, 1420, 1440, 8940] }

  private func digest(_ salt: UInt16) -> UInt32 { UInt32(truncatingIfNeeded: flow.hash(zone: salt, seed: seed) >> 16) }

  private static func minute(_ now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds / 60_000_000_000) }

  private func digest(ofMinute minute: UInt32) -> UInt32 { digest(UInt16(truncatingIfNeeded: minute) | 0x8000) ^ minute &* 0x9E37_79B1 }

  /// The sequence number of the SYN/ACK. It encodes the greatest size of the table that is not above `segmentSize`.
  func sequence(client: UInt32, segmentSize: UInt16, now: Instant) -> UInt32 {
    let index = UInt32(segmentSizes.lastIndex { $0 <= segmentSize } ?? 0)
    let minute = SynproxyCookie.minute(now)
    return digest(0) &+ client &+ minute << 24 &+ (digest(ofMinute: minute) &+ index) & 0xFF_FFFF
  }

  /// The segment size in a received cookie; nil if it is invalid or too old.
  func segmentSize(in cookie: UInt32, client: UInt32, now: Instant) -> UInt16? {
    let rest = cookie &- digest(0) &- client
    let minute = SynproxyCookie.minute(now)
    let age = (minute &- rest >> 24) & 0xFF
    guard age < 2 else { return nil }
    let index = (rest &- digest(ofMinute: minute &- age)) & 0xFF_FFFF
    return index < 4 ? segmentSizes[Int(index)] : nil
  }
}
