extension Packet {
  /// True if a packet is sent unfragmented through a link of `mtu` bytes: it fits and was not reassembled. A reassembled IPv6 packet is
  /// also sent unfragmented if it is not longer than its largest fragment.
  public func leavesWhole(mtu: Int) -> Bool {
    switch family {
    case .ipv4: !exceeds(mtu) && fragmentMaximumSize == 0
    case .ipv6: !exceeds(mtu) && (fragmentMaximumSize == 0 || count <= Int(fragmentMaximumSize))
    case nil: false
    }
  }

  /// True if it does not fit through a link of `mtu` bytes. The corresponding kernel function is `ip_exceeds_mtu`.
  public func exceeds(_ mtu: Int) -> Bool { count > mtu && !joinsSegments }

  /// True if an IPv6 packet has an authentication header before its transport header.
  public var hasAuthenticationHeader: Bool {
    guard let walk = IPv6ExtensionHeaders(bytes) else { return false }
    return walk.contains { $0.proto == .ah }
  }

  /// True for a TCP or UDP packet that is no fragment: only such segments are joined.
  public var mayJoinSegments: Bool {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments else { return false }
    return at.proto == .tcp || at.proto == .udp
  }

  /// The fragments in which a packet is sent through a link of `mtu` bytes; the packet itself if `leavesWhole(mtu:)`.
  ///
  /// A reassembled packet is sent in its original fragments if they fit; over IPv6 only if it is longer than each of them. The
  /// corresponding kernel functions are `ip_do_fragment` and `ip6_fragment`.
  /// - Parameter identification: the identification in IPv6 Fragment headers.
  /// - Returns: nil if the packet is too big and must not be fragmented: the sender must get an ICMP error.
  public func fragments(mtu: Int, identification: UInt32 = 1) -> [Packet]? {
    if leavesWhole(mtu: mtu) { return [self] }
    switch family {
    case .ipv4: return fragmentsV4(mtu: mtu)
    case .ipv6: return fragmentsV6(mtu: mtu, identification: identification)
    case nil: return nil
    }
  }

  /// The ranges of a payload's fragments: as received if every one fits into `room`, else multiples of eight bytes as large as possible.
  private func cuts(payload: Int, room: Int) -> (ranges: [Range<Int>], asItCame: Bool) {
    var ranges: [Range<Int>] = []
    var start = 0
    // Headers of the first fragment that now precede the fragmentable part, such as destination options, do not count.
    var lengths = fragmentLengths
    if let first = lengths.first { lengths[0] = first - (lengths.reduce(0, +) - payload) }
    let fits = lengths.allSatisfy { $0 > 0 && $0 <= room } && lengths.dropLast().allSatisfy { $0 % 8 == 0 }
    if !lengths.isEmpty, fits {
      for length in lengths {
        ranges.append(start..<(start + length))
        start += length
      }
      return (ranges, true)
    }
    while start < payload {
      let left = payload - start
      let length = left <= room ? left : room & ~7
      guard length > 0 else { return ([], false) }
      ranges.append(start..<(start + length))
      start += length
    }
    return (ranges, false)
  }

  private func fragmentsV4(mtu: Int) -> [Packet]? {
    guard let header = ipv4, count >= header.headerLength else { return nil }
    let largest = Int(fragmentMaximumSize)
    // A datagram with DF is only split into its original fragments.
    if header.dontFragment, largest == 0 || largest > mtu { return nil }
    let limit = largest != 0 ? min(mtu, largest) : mtu
    let payload = count - header.headerLength
    let (cuts, asItCame) = cuts(payload: payload, room: limit - header.headerLength)
    guard !cuts.isEmpty else { return nil }
    return cuts.map { range in
      var piece = self
      piece.fragmentMaximumSize = 0
      piece.fragmentLengths = []
      var head = Array(bytes[..<header.headerLength])
      if range.lowerBound > 0 { FragmentOptions.blankUncopied(&head) }
      piece.bytes = head + bytes[(header.headerLength + range.lowerBound)..<(header.headerLength + range.upperBound)]
      let more: UInt16 = range.upperBound < payload || header.moreFragments ? 0x2000 : 0
      // As the kernel: DF is cleared if the original fragments are kept.
      let keep: UInt16 = header.dontFragment && !asItCame ? 0x4000 : 0
      let offset = UInt16(truncatingIfNeeded: (header.fragmentOffset + range.lowerBound) / 8) & 0x1FFF
      piece.bytes.setUInt16(keep | more | offset, at: IPv4Header.Offset.fragment)
      piece.bytes.setUInt16(UInt16(clamping: piece.count), at: IPv4Header.Offset.totalLength)
      piece.updateHeaderChecksum()
      return piece
    }
  }

  private func fragmentsV6(mtu: Int, identification: UInt32) -> [Packet]? {
    guard var walk = IPv6ExtensionHeaders(bytes), let first = bytes.uint8(at: IPv6Header.Offset.nextHeader) else { return nil }
    let largest = Int(fragmentMaximumSize)
    // IPv6 routers do not fragment; only reassembled packets are split again.
    if largest > mtu { return nil }
    let limit = largest != 0 ? max(largest, 1280) : mtu
    // The unfragmentable part: hop-by-hop options, a routing header, and destination options unless they follow a routing header.
    // The corresponding kernel function is `ip6_find_1stfragopt`.
    var place = IPv6Header.length
    var previous = IPv6Header.Offset.nextHeader
    var next = IPProtocol(rawValue: first)
    var hasRouting = false
    while let step = walk.next() {
      if step.proto == .routing { hasRouting = true }
      guard step.proto == .hopByHop || step.proto == .routing || (step.proto == .destinationOptions && !hasRouting) else { break }
      previous = step.offset
      place = step.offset + step.length
      next = step.nextHeader
    }
    guard place <= count else { return nil }
    let payload = count - place
    let cuts = cuts(payload: payload, room: limit - place - IPv6FragmentHeader.length).ranges
    guard !cuts.isEmpty else { return nil }
    return cuts.map { range in
      var piece = self
      piece.fragmentMaximumSize = 0
      piece.fragmentLengths = []
      piece.bytes = Array(bytes[..<place])
      piece.bytes[previous] = IPProtocol.fragment.rawValue
      piece.bytes += [next.rawValue, 0]
      piece.bytes.appendUInt16(UInt16(truncatingIfNeeded: range.lowerBound) | (range.upperBound < payload ? 1 : 0))
      piece.bytes.appendUInt32(identification)
      piece.bytes += bytes[(place + range.lowerBound)..<(place + range.upperBound)]
      piece.updateLengthField()
      return piece
    }
  }
}

/// IPv4 options in fragments.
enum FragmentOptions {
  /// Overwrites the options that only the first fragment carries with no-operations. The corresponding kernel function is
  /// `ip_options_fragment`.
  static func blankUncopied(_ header: inout [UInt8]) {
    guard header.count > IPv4Header.minimumLength else { return }
    for option in HeaderOptions(bytes: header, from: IPv4Header.minimumLength, to: header.count) where option.kind > 1 {
      guard option.kind & 0x80 == 0 else { continue }
      for offset in option.offset..<(option.offset + option.length) { header[offset] = 1 }
    }
  }
}
