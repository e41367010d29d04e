public import Wire

/// The properties of the first packet of a connection that identify an operating system. Kernel: `nf_osf_user_finger`.
public struct OSFingerprint: Sendable, Hashable {
  /// The required TCP window.
  public enum Window: Sendable, Hashable {
    /// This number; 0 for any.
    case exactly(UInt32)
    /// This many segments of the size (MSS) in the packet.
    case segments(UInt32)
    /// This many packets (MTU) with such segments.
    case packets(UInt32)
    /// A multiple of a number other than 0.
    case multiple(of: UInt32)
  }

  /// A TCP option: its kind and its total size.
  public struct Item: Sendable, Hashable {
    /// The kind of the option.
    public let kind: UInt8
    /// The size of the option in bytes, kind and length byte included.
    public let length: Int
  }

  /// The required TCP window.
  public let window: Window
  /// The initial TTL of the system.
  public let ttl: UInt8
  /// Whether the don't-fragment flag must be set.
  public let dontFragment: Bool
  /// The size of the whole packet in bytes.
  public let length: Int
  /// The TCP options in order.
  public let options: [Item]
  /// The system, such as `Linux`.
  public let genre: String
  /// The version of the system, such as `2.6`.
  public let version: String
  /// The variant of the version; may be empty.
  public let subtype: String

  /// How the TTL of a packet is compared with that of a fingerprint. Raw values are the kernel's `NF_OSF_TTL_*`.
  public enum LifetimeTest: UInt32, Sendable {
    /// The TTL equals that of the fingerprint, is at most that, or is ignored.
    case equal, atMost, any
  }

  /// Whether a packet has this fingerprint. The corresponding kernel function is `nf_osf_match_one`.
  func covers(_ opening: Opening, _ lifetime: LifetimeTest) -> Bool {
    guard opening.length == length, opening.options.count == options.reduce(0, { $0 + $1.length }) else { return false }
    switch lifetime {
    case .equal: guard opening.ttl == ttl else { return false }
    case .atMost: guard opening.ttl <= ttl else { return false }
    case .any: break
    }
    var at = opening.options.startIndex
    var segment: UInt32 = 0
    for item in options {
      guard opening.options[at] == item.kind else { return false }
      if item.kind == 2 { segment = UInt32(opening.options[at + 2]) << 8 | UInt32(opening.options[at + 3]) }
      at += item.length
    }
    return fits(opening.window, segment)
  }

  /// Also tries the segment sizes of Ethernet, with and without a timestamp, because a link on the path may reduce the size.
  private func fits(_ actual: UInt32, _ segment: UInt32) -> Bool {
    let segments: InlineArray<3, UInt32> = [segment, 1460, 1448]
    func some(_ size: (UInt32) -> UInt32) -> Bool { segments.indices.contains { actual == size(segments[$0]) } }
    switch window {
    case .exactly(let size): return size == 0 || actual == size
    case .segments(let count): return some { count &* $0 }
    case .packets(let count): return some { count &* ($0 + 40) }
    case .multiple(let unit): return actual % unit == 0
    }
  }

  /// The properties of a packet that are compared. Kernel: `nf_osf_hdr_ctx`.
  struct Opening {
    let ttl: UInt8
    let dontFragment: Bool
    let length: Int
    let window: UInt32
    let options: ArraySlice<UInt8>

    /// Nil if the packet is no TCP SYN, or ends before its options do.
    init?(_ packet: borrowing Packet) {
      guard let header = packet.ipv4, let tcp = TCPHeader(packet.bytes, at: header.headerLength), tcp.flags.contains(.syn) else {
        return nil
      }
      let start = header.headerLength + TCPHeader.minimumLength
      let end = header.headerLength + max(tcp.dataOffset, TCPHeader.minimumLength)
      guard end <= packet.bytes.count else { return nil }
      (ttl, dontFragment, length) = (header.ttl, header.dontFragment, header.totalLength)
      window = UInt32(tcp.window)
      options = packet.bytes[start..<end]
    }
  }
}

/// The fingerprints that were loaded into a kernel, in order. Kernel: `nf_osf_fingers`.
public struct OSFingerprints: Sendable {
  /// The fingerprints in the order in which they were added.
  public private(set) var all: [OSFingerprint] = []

  /// Adds a fingerprint, unless an equal one exists.
  public mutating func add(_ fingerprint: OSFingerprint) {
    if !all.contains(fingerprint) { all.append(fingerprint) }
  }

  /// The fingerprints of a packet, in order; empty if it is no TCP SYN.
  ///
  /// - Parameter genre: only fingerprints with exactly this genre; nil for all.
  public func matches(_ packet: borrowing Packet, genre: String?, _ lifetime: OSFingerprint.LifetimeTest) -> [OSFingerprint] {
    guard let opening = OSFingerprint.Opening(packet) else { return [] }
    return all.filter {
      $0.dontFragment == opening.dontFragment && (genre == nil || $0.genre == genre) && $0.covers(opening, lifetime)
    }
  }
}
