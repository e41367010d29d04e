public import Netfilter
public import Wire

/// Reassembles datagrams before tracking. Kernel: `nf_defrag_ipv4`, `nf_defrag_ipv6`.
public struct FragmentQueues: Sendable {
  /// What reassembles: each hook has its own queues, and so have frames of a bridge. Kernel: `ip_defrag_users`.
  struct User: Hashable {
    var hook: Hook
    var isBridged: Bool
  }

  /// The key that the fragments of one datagram share. Kernel: `frag_v4_compare_key`, `frag_v6_compare_key`.
  struct Key: Hashable {
    var family: Family
    var identification: UInt32
    var source: UInt128
    var destination: UInt128
    /// The protocol; part of the key for IPv4 only.
    var proto: IPProtocol
    /// What reassembles.
    var user: User
    /// The index of the input interface, for IPv6 destinations of link scope; else 0.
    var interface: Int32
  }

  private(set) var queues: [Key: FragmentQueue] = [:]
  /// The number of fragments that each source has sent.
  private(set) var sourceCounts: [UInt128: UInt32] = [:]
  private(set) var memory = 0
  /// The number of queues created so far.
  private var serial: UInt64 = 0

  /// Creates queues without fragments.
  public init() {}

  /// The number of incomplete datagrams.
  public var count: Int { queues.count }

  /// Queues a fragment, and returns the whole datagram once complete. The corresponding kernel functions are `ipv4_conntrack_defrag`
  /// and `ipv6_defrag`.
  /// - Parameters:
  /// - packet: the fragment, trimmed to its header's length. If it completes the datagram, it becomes the whole datagram.
  /// - attachment: the packet's attachment. Packets already tracked, or untracked, are accepted unchanged.
  ///   - hook: PREROUTING or OUTPUT before tracking; INPUT for local delivery.
  /// - interface: the index of the input interface.
  /// - isBridged: true if a bridge has the packet pass PREROUTING.
  /// - Returns: `.accept` for a whole packet or a packet that is no fragment; `.stolen` while fragments are missing; `.drop` for a
  ///   fragment that cannot be used.
  public mutating func gather(
    packet: inout Packet, attachment: Attachment, hook: Hook, interface: Int32 = 0, isBridged: Bool = false,
    settings: FragmentSettings, now: Instant
  ) -> NetfilterVerdict {
    switch attachment {
    case .connection, .untracked: return .accept
    case .none, .answerToUntracked, .template: break
    }
    expire(now: now)
    let user = User(hook: hook, isBridged: isBridged)
    switch packet.family {
    case .ipv4: return gatherV4(&packet, user, interface, settings, now)
    case .ipv6: return gatherV6(&packet, user, interface, settings, now)
    case nil: return .accept
    }
  }

  /// Discards the datagrams whose timeout has expired and returns them, earliest deadline first. The corresponding kernel functions are
  /// `ip_expire` and `nf_ct_frag6_expire`.
  @discardableResult
  public mutating func expire(now: Instant) -> [ExpiredDatagram] {
    guard !queues.isEmpty else { return [] }
    var expired: [ExpiredDatagram] = []
    for (key, queue) in queues where queue.deadline <= now {
      expired.append(
        ExpiredDatagram(first: queue.first, hook: key.user.hook, interface: queue.interface, deadline: queue.deadline, order: queue.order))
      discard(key)
    }
    return expired.sorted { ($0.deadline.nanoseconds, $0.order) < ($1.deadline.nanoseconds, $1.order) }
  }

  private mutating func discard(_ key: Key) {
    if let queue = queues.removeValue(forKey: key) { memory -= queue.memory }
    if queues.isEmpty { sourceCounts = [:] }
  }

  /// The queue of a key; creates it if there is none.
  private mutating func queue(_ key: Key, deadline: Instant) -> FragmentQueue {
    if let queue = queues[key] { return queue }
    serial &+= 1
    let queue = FragmentQueue(deadline: deadline, order: serial)
    memory += queue.memory
    queues[key] = queue
    return queue
  }

  /// Stores a changed queue.
  private mutating func store(_ queue: FragmentQueue, _ key: Key) {
    memory += queue.memory - (queues[key]?.memory ?? 0)
    queues[key] = queue
  }

  // MARK: IPv4

  private mutating func gatherV4(
    _ packet: inout Packet, _ user: User, _ interface: Int32, _ settings: FragmentSettings, _ now: Instant
  ) -> NetfilterVerdict {
    guard let header = packet.ipv4, header.isFragment, packet.count >= header.headerLength else { return .accept }
    guard memory <= Int(settings.ipv4HighThreshold) else { return .stolen }
    let key = Key(
      family: .ipv4, identification: UInt32(header.identification), source: UInt128(header.source.rawValue),
      destination: UInt128(header.destination.rawValue), proto: header.proto, user: user, interface: 0)
    var queue = queue(key, deadline: now.adding(seconds: settings.ipv4Timeout))
    noteDistance(&queue, key, settings, now)
    let offset = header.fragmentOffset
    var end = offset + packet.count - header.headerLength
    // Bytes after the last multiple of eight are ignored unless the fragment is the last.
    if header.moreFragments { end &= ~7 }
    guard queue.claim(end: end, isLast: !header.moreFragments), end != offset else {
      discard(key)
      return .stolen
    }
    let piece = FragmentQueue.Piece(offset: offset, payload: Array(packet.bytes.slice(at: header.headerLength, length: end - offset)))
    let isFirst = offset == 0
    queue.interface = interface
    if isFirst, queue.firstHeader == nil {
      queue.firstHeader = Array(packet.bytes[..<header.headerLength])
      queue.first = packet
    }
    let result = queue.insert(piece)
    store(queue, key)
    if result == .overlap { discard(key) }
    guard result == .queued || result == .complete else { return .stolen }
    queue.codepoints |= 1 << (header.tos & 3)
    let size = piece.payload.count + header.headerLength
    queue.largest = max(queue.largest, size)
    if header.dontFragment { queue.largestUnfragmentable = max(queue.largestUnfragmentable, size) }
    store(queue, key)
    guard result == .complete else { return .stolen }
    discard(key)
    return reassembleV4(&packet, queue)
  }

  /// Restarts the queue if its source has sent too many fragments of other datagrams in between: the identification was probably
  /// reused. The corresponding kernel function is `ip_frag_too_far`.
  private mutating func noteDistance(_ queue: inout FragmentQueue, _ key: Key, _ settings: FragmentSettings, _ now: Instant) {
    guard settings.ipv4MaximumDistance != 0 else { return }
    // The counts are a heuristic. A flood of sources must not grow memory without bound.
    if sourceCounts.count > 65_536 { sourceCounts = [:] }
    let count = (sourceCounts[key.source] ?? 0) &+ 1
    sourceCounts[key.source] = count
    let distance = count &- queue.sourceCount
    queue.sourceCount = count
    if !queue.pieces.isEmpty, distance > settings.ipv4MaximumDistance {
      queue.restart(deadline: now.adding(seconds: settings.ipv4Timeout))
    }
  }

  /// The corresponding kernel function is `ip_frag_reasm`.
  private func reassembleV4(_ packet: inout Packet, _ queue: FragmentQueue) -> NetfilterVerdict {
    guard let header = queue.firstHeader, let codepoint = queue.codepoint, header.count + queue.length <= 0xFFFF else {
      return .stolen
    }
    packet.bytes = header + queue.payload
    packet.bytes[1] |= codepoint
    packet.bytes.setUInt16(UInt16(truncatingIfNeeded: packet.count), at: IPv4Header.Offset.totalLength)
    // The whole datagram has DF set only if its largest fragment had DF set.
    let forbids = queue.largestUnfragmentable == queue.largest
    packet.bytes.setUInt16(forbids ? 0x4000 : 0, at: IPv4Header.Offset.fragment)
    packet.updateHeaderChecksum()
    packet.fragmentMaximumSize = UInt16(clamping: max(queue.largest, queue.largestUnfragmentable))
    packet.fragmentLengths = queue.pieces.map(\.payload.count)
    return .accept
  }

  // MARK: IPv6

  private mutating func gatherV6(
    _ packet: inout Packet, _ user: User, _ interface: Int32, _ settings: FragmentSettings, _ now: Instant
  ) -> NetfilterVerdict {
    guard let header = packet.ipv6, header.payloadLength != 0, var walk = IPv6ExtensionHeaders(packet.bytes) else {
      return .accept
    }
    var previous = IPv6Header.Offset.nextHeader
    var place: Int?
    while place == nil, let step = walk.next() {
      if step.proto == .fragment { place = step.offset } else { previous = step.offset }
    }
    guard let place, let fragment = IPv6FragmentHeader(packet.bytes, at: place),
      !Self.isTransportTruncated(packet.bytes) || user.hook == .input
    else { return .accept }
    // Local delivery skips the Fragment header of an atomic fragment (RFC 6946). Kernel: `ipv6_frag_rcv`.
    if user.hook == .input, fragment.fragmentOffset == 0, !fragment.moreFragments { return .accept }
    if Self.isTransportTruncated(packet.bytes) { return .drop }
    guard memory <= Int(settings.ipv6HighThreshold) else { return .drop }
    let isLinkScoped = header.destination.isMulticast || header.destination.isLinkLocal
    let key = Key(
      family: .ipv6, identification: fragment.identification, source: header.source.rawValue,
      destination: header.destination.rawValue, proto: .none, user: user, interface: isLinkScoped ? interface : 0)
    var queue = queue(key, deadline: now.adding(seconds: settings.ipv6Timeout))
    let start = place + IPv6FragmentHeader.length
    let offset = fragment.fragmentOffset
    let end = offset + header.payloadLength - (start - IPv6Header.length)
    guard end >= offset, end <= 0xFFFF else {
      store(queue, key)
      return .drop
    }
    if fragment.moreFragments, end & 7 != 0 {
      if user.hook == .input {
        store(queue, key)
        return .drop
      }
      // A violation of RFC 8200 §4.5: the fragment is accepted as it is, and the queue is discarded.
      discard(key)
      return .accept
    }
    guard queue.claim(end: end, isLast: !fragment.moreFragments), end != offset, packet.bytes.holds(end - offset, at: start) else {
      store(queue, key)
      return .drop
    }
    if offset == 0, queue.firstHeader == nil {
      // Removes the Fragment header; the header before it gets its next-header number.
      var first = Array(packet.bytes[..<place])
      first[previous] = fragment.nextHeader.rawValue
      queue.firstHeader = first
      queue.first = packet
    }
    queue.interface = interface
    let piece = FragmentQueue.Piece(offset: offset, payload: Array(packet.bytes.slice(at: start, length: end - offset)))
    let result = queue.insert(piece)
    store(queue, key)
    if result == .overlap { discard(key) }
    // A duplicate counts as queued.
    if result == .duplicate { return .stolen }
    guard result != .overlap else { return .drop }
    queue.codepoints |= 1 << (header.trafficClass & 3)
    queue.largest = max(queue.largest, header.payloadLength)
    store(queue, key)
    guard result == .complete else { return .stolen }
    discard(key)
    return reassembleV6(&packet, queue)
  }

  /// The offset of the field of which local delivery complains in a parameter problem; nil if the fragment's length and place are right. The
  /// corresponding kernel function is `ip6_frag_queue`.
  public static func faultyField(_ bytes: [UInt8]) -> Int? {
    guard let header = IPv6Header(bytes), var walk = IPv6ExtensionHeaders(bytes) else { return nil }
    while let extra = walk.next() {
      guard extra.proto == .fragment, let fragment = IPv6FragmentHeader(bytes, at: extra.offset) else { continue }
      let end = fragment.fragmentOffset + header.payloadLength - (extra.offset + IPv6FragmentHeader.length - IPv6Header.length)
      if end > 0xFFFF { return extra.offset + 2 }
      return fragment.moreFragments && end & 7 != 0 ? IPv6Header.Offset.payloadLength : nil
    }
    return nil
  }

  /// True if a first fragment does not hold all headers up to the transport header (RFC 7112). Before tracking such a fragment is
  /// accepted unchanged and is INVALID; local delivery drops it.
  /// The corresponding kernel function is `ipv6frag_thdr_truncated`.
  public static func isTransportTruncated(_ bytes: [UInt8]) -> Bool {
    guard let at = TransportLocator(bytes), at.fragmentOffset == 0, !at.isTruncated else { return false }
    let needed =
      switch at.proto {
      case .tcp: TCPHeader.minimumLength
      case .udp, .icmpv6: 8
      default: 1
      }
    return at.offset + needed > bytes.count
  }

  /// The corresponding kernel function is `nf_ct_frag6_reasm`.
  private func reassembleV6(_ packet: inout Packet, _ queue: FragmentQueue) -> NetfilterVerdict {
    guard let header = queue.firstHeader, let codepoint = queue.codepoint,
      header.count - IPv6Header.length + queue.length <= 0xFFFF
    else { return .stolen }
    packet.bytes = header + queue.payload
    packet.bytes.setUInt16(UInt16(truncatingIfNeeded: packet.count - IPv6Header.length), at: IPv6Header.Offset.payloadLength)
    packet.setTOS((packet.tos ?? 0) | codepoint)
    packet.fragmentMaximumSize = UInt16(clamping: queue.largest + IPv6Header.length)
    packet.fragmentLengths = queue.pieces.map(\.payload.count)
    return .accept
  }
}

/// A datagram discarded because its fragments did not all arrive in time.
public struct ExpiredDatagram: Sendable {
  /// The first fragment as it arrived; nil if it is missing too.
  public var first: Packet?
  /// The hook that reassembled: PREROUTING or OUTPUT before tracking, INPUT for local delivery.
  public var hook: Hook
  /// The index of the input interface.
  public var interface: Int32
  /// When the datagram's timeout expired.
  public var deadline: Instant
  let order: UInt64
}
