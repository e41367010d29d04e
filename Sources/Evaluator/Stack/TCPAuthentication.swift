import Wire

/// Whether a segment has an option that signs it: TCP MD5 (RFC 2385) or TCP-AO (RFC 5925). The sockets of this host have no keys.
///
/// The corresponding kernel function is `tcp_parse_auth_options`, of a kernel with `CONFIG_TCP_MD5SIG` and without `CONFIG_TCP_AO`.
enum TCPAuthentication {
  case none
  case md5
  case ao
  /// An option is longer than the header, or the segment is signed twice.
  case malformed

  private static let md5Length = 18

  /// Reads the options of the header that starts at `offset` of a packet's bytes.
  init(_ header: TCPHeader, in bytes: borrowing [UInt8], at offset: Int) {
    self = .none
    var place = offset + TCPHeader.minimumLength
    let end = min(offset + header.dataOffset, bytes.count)
    // An option in the last bytes cannot be a signature, and is not read.
    while end - place >= Self.md5Length {
      let kind = bytes[place]
      if kind == TCPOptionKind.end { return }
      if kind == TCPOptionKind.noOperation {
        place += 1
        continue
      }
      let length = Int(bytes[place + 1])
      guard length >= 2, length <= end - place else {
        self = .malformed
        return
      }
      if kind == TCPOptionKind.md5 || kind == TCPOptionKind.authentication {
        // The header of TCP-AO has 4 bytes, and a signature follows.
        guard self == .none, kind == TCPOptionKind.md5 ? length == Self.md5Length : length > 4 else {
          self = .malformed
          return
        }
        self = kind == TCPOptionKind.md5 ? .md5 : .ao
      }
      place += length
    }
  }

  /// Whether a socket without keys receives the segment. The corresponding kernel function is `tcp_inbound_hash`.
  var isAcceptedWithoutKey: Bool { self == .none || self == .ao }

  /// Whether a reset answers the segment if there is no connection. The corresponding kernel functions are `tcp_v4_send_reset` and
  /// `tcp_v6_send_reset`, of which only the first regards TCP-AO.
  func permitsReset(_ family: Family) -> Bool { self == .none || self == .ao && family == .ipv6 }
}
