public import Wire

/// What the first packet of a connection looks like when a certain system sends it. Kernel: `nf_osf_user_finger`.
public struct OSFingerprint: Sendable, Hashable {
  /// What the window of TCP must be.
  public enum Window: Sendable, Hashable {
    /// This number; 0 stands for any.
    case exactly(UInt32)
    /// So many segments of the size that the packet announces.
    case segments(UInt32)
    /// So many packets that are filled with such segments.
    case packets(UInt32)
    /// A multiple of a number that is not 0.
    case multiple(of: UInt32)
  }

  /// An option of TCP: its kind, and the bytes it takes with that.
  public struct Item: Sendable, Hashable {
    public let kind: UInt8
    public let length: Int
  }

  public let window: Window
  public let ttl: UInt8
  public let dontFragment: Bool
  /// Bytes of the whole packet.
  public let length: Int
  public let options: [Item]
  /// The system; `Linux`.
  public let genre: String
  public let version: String
  public let subtype: String

  /// How a packet's lifetime is held against that of a fingerprint; raw values are the kernel's `NF_OSF_TTL_*`.
  public enum LifetimeTest: UInt32, Sendable {
    case equal, atMost, any
  }

  /// Whether a packet looks like this. The corresponding kernel function is `nf_osf_match_one`.
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

  /// Some lines between the hosts make segments smaller: those of Ethernet, with and without a timestamp, are tried as well.
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

  /// What is looked at of a packet. Kernel: `nf_osf_hdr_ctx`.
  struct Opening {
    let ttl: UInt8
    let dontFragment: Bool
    let length: Int
    let window: UInt32
    let options: ArraySlice<UInt8>

    /// Nothing where the packet is no SYN of TCP, or ends before its options do.
    init?(_ packet: borrowing Packet) {
      guard let header = packet.ipv4, let tcp = TCPHeader(packet.bytes, at: header.headerLength), tcp.flags.contains(.syn) else { return nil }
      let start = header.headerLength + TCPHeader.minimumLength
      let end = header.headerLength + max(tcp.dataOffset, TCPHeader.minimumLength)
      guard end <= packet.bytes.count else { return nil }
      (ttl, dontFragment, length) = (header.ttl, header.dontFragment, header.totalLength)
      window = UInt32(tcp.window)
      options = packet.bytes[start..<end]
    }
  }
}

/// The fingerprints that a kernel was given, in their order. Kernel: `nf_osf_fingers`.
public struct OSFingerprints: Sendable {
  public private(set) var all: [OSFingerprint] = []

  /// Adds one, unless it is there already.
  public mutating func add(_ fingerprint: OSFingerprint) {
    if !all.contains(fingerprint) { all.append(fingerprint) }
  }

  /// Those that a packet looks like, in their order; none where it is no SYN of TCP.
  ///
  /// - Parameter genre: only those of this system, written as there.
  public func matches(_ packet: borrowing Packet, genre: String?, _ lifetime: OSFingerprint.LifetimeTest) -> [OSFingerprint] {
    guard let opening = OSFingerprint.Opening(packet) else { return [] }
    return all.filter {
      $0.dontFragment == opening.dontFragment && (genre == nil || $0.genre == genre) && $0.covers(opening, lifetime)
    }
  }
}
