import Wire

/// A slot of the connection table, in as few bytes as possible: its size decides how much memory a million connections take, and how much of it
/// each packet loads. ``Connection`` is what others see of it.
///
/// Rare fields (master, helper, labels, sequence adjustment) are stored in `ConnectionExtension`; `features` tells whether there are any.
struct ConnectionEntry: Sendable {
  /// Which optional parts the connection has.
  struct Features: OptionSet, Sendable {
    var rawValue: UInt8
    static let extended = Features(rawValue: 1)
    static let accounting = Features(rawValue: 2)
    static let timeoutPolicy = Features(rawValue: 4)
    static let inSourceIndex = Features(rawValue: 8)
    static let eventMask = Features(rawValue: 16)
    /// The addresses of the reply are not in the entry; see `ConntrackCore.wideReplies`.
    static let wideReply = Features(rawValue: 32)
    /// The slot holds a connection.
    static let live = Features(rawValue: 128)
  }

  // The order of the fields leaves no gaps; a test compares the size.
  /// The state of the protocol's tracker.
  var tracker: TrackerState = .stateless
  var features: Features = []
  private let proto: IPProtocol
  private let family: Family
  // Not arrays, for whose elements the entry would be copied.
  /// IPv4: the addresses of the original tuple, and of the reply, each with the source in the upper half. IPv6: the source of the original tuple.
  private var firstAddresses: UInt64
  private var secondAddresses: UInt64
  /// IPv6: the destination of the original tuple.
  private let thirdAddresses: UInt64
  private let fourthAddresses: UInt64
  /// The identifiers of the original tuple and of the reply, that of the source in the upper half; see ``Tuple/sourceID``.
  private let originalIDs: UInt32
  private var replyIDs: UInt32
  /// When the connection expires. Before confirmation: the lifetime that starts at confirmation.
  var expiry: Instant = Instant(nanoseconds: 0)
  /// The connection mark, `nf_conn.mark`.
  var mark: UInt32 = 0
  var generation: UInt32
  /// The slot of the next connection in the chain of the same source, or of the next free slot; `.max` ends the chain.
  var next: UInt32 = .max
  /// What the caller keeps with each direction; see ``ConntrackTable/keep(_:with:_:)``.
  var originalNote: UInt16 = 0
  /// The same for the reply direction.
  var replyNote: UInt16 = 0
  private var statusBits: UInt16 = 0
  var pendingEvents: ConnectionEvents = []
  /// The zone of the original direction.
  let zone: Zone

  /// - Parameter reply: a tuple of the same family and protocol. If it is too long for the entry, only its identifiers are stored.
  init(original: Tuple, reply: Tuple, zone: Zone, generation: UInt32) {
    proto = original.proto
    family = original.family
    self.zone = zone
    self.generation = generation
    (originalIDs, replyIDs) = (original.ids, reply.ids)
    if original.family == .ipv4 {
      (firstAddresses, secondAddresses) = (original.narrowAddresses, reply.narrowAddresses)
      (thirdAddresses, fourthAddresses) = (0, 0)
    } else {
      (firstAddresses, secondAddresses) = original.sourceBits.halves
      (thirdAddresses, fourthAddresses) = original.destinationBits.halves
    }
  }

  /// The status, as the kernel's `IPS_*` bits.
  var status: ConnectionStatus {
    @inline(__always) get { ConnectionStatus(rawValue: UInt32(statusBits)) }
    @inline(__always) set { statusBits = UInt16(truncatingIfNeeded: newValue.rawValue) }
  }

  /// The tuple of the direction that opened the connection.
  @inline(__always)
  var original: Tuple {
    family == .ipv4
      ? narrowTuple(firstAddresses, originalIDs)
      : wideTuple(firstAddresses, secondAddresses, thirdAddresses, fourthAddresses, originalIDs)
  }

  /// The tuple of the reply direction, unless its addresses are not in the entry.
  @inline(__always)
  var storedReply: Tuple {
    family == .ipv4
      ? narrowTuple(secondAddresses, replyIDs)
      : wideTuple(thirdAddresses, fourthAddresses, firstAddresses, secondAddresses, replyIDs)
  }

  @inline(__always)
  private func narrowTuple(_ addresses: UInt64, _ ids: UInt32) -> Tuple {
    Tuple(
      family: .ipv4, proto: proto, sourceBits: UInt128(addresses >> 32), sourceID: UInt16(ids >> 16),
      destinationBits: UInt128(addresses & 0xFFFF_FFFF), destinationID: UInt16(truncatingIfNeeded: ids))
  }

  @inline(__always)
  private func wideTuple(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64, _ ids: UInt32) -> Tuple {
    Tuple(
      family: family, proto: proto, sourceBits: UInt128(first) << 64 | UInt128(second), sourceID: UInt16(ids >> 16),
      destinationBits: UInt128(third) << 64 | UInt128(fourth), destinationID: UInt16(truncatingIfNeeded: ids))
  }

  /// Stores a reply tuple of the same family and protocol.
  /// - Returns: false if its addresses are too long for the entry.
  mutating func store(reply: Tuple) -> Bool {
    replyIDs = reply.ids
    if family == .ipv4 { secondAddresses = reply.narrowAddresses }
    return storedReply == reply
  }

  /// True if the tuple of a direction is this one. Not for a reply whose addresses are not in the entry.
  @inline(__always)
  func has(_ tuple: Tuple, _ direction: Direction) -> Bool {
    let isOriginal = direction == .original
    guard (isOriginal ? originalIDs : replyIDs) == tuple.ids, proto == tuple.proto, family == tuple.family else { return false }
    if family == .ipv4 { return (isOriginal ? firstAddresses : secondAddresses) == tuple.narrowAddresses }
    let (source, destination) =
      isOriginal ? (tuple.sourceBits.halves, tuple.destinationBits.halves) : (tuple.destinationBits.halves, tuple.sourceBits.halves)
    return firstAddresses == source.0 && secondAddresses == source.1 && thirdAddresses == destination.0 && fourthAddresses == destination.1
  }

  /// True once the connection is in the table.
  var isConfirmed: Bool { status.contains(.confirmed) }
  /// True once the connection is being removed.
  var isDying: Bool { status.contains(.dying) }
  /// True if the connection is confirmed and not being removed.
  var isListed: Bool { features.contains(.live) && isConfirmed && !isDying }
}

extension Tuple {
  /// Both identifiers in one word, that of the source in the upper half.
  @inline(__always)
  fileprivate var ids: UInt32 { UInt32(sourceID) << 16 | UInt32(destinationID) }

  /// Both addresses of IPv4 in one word, the source in the upper half.
  @inline(__always)
  fileprivate var narrowAddresses: UInt64 {
    UInt64(truncatingIfNeeded: sourceBits) << 32 | UInt64(truncatingIfNeeded: destinationBits) & 0xFFFF_FFFF
  }
}

extension UInt128 {
  /// The upper and the lower half.
  @inline(__always)
  fileprivate var halves: (UInt64, UInt64) { (UInt64(truncatingIfNeeded: self >> 64), UInt64(truncatingIfNeeded: self)) }
}

/// The tuples of connections.
extension ConntrackCore {
  /// The tuple of the reply direction.
  func reply(_ slot: Int) -> Tuple {
    guard entries[slot].features.contains(.wideReply), let reply = wideReplies[UInt32(truncatingIfNeeded: slot)] else {
      return entries[slot].storedReply
    }
    return reply
  }

  /// The tuple of a direction.
  func tuple(_ slot: Int, _ direction: Direction) -> Tuple { direction == .original ? entries[slot].original : reply(slot) }

  /// Sets the tuple of the reply direction.
  mutating func setReply(_ slot: Int, _ reply: Tuple) {
    let number = UInt32(truncatingIfNeeded: slot)
    if entries[slot].store(reply: reply) {
      guard entries[slot].features.contains(.wideReply) else { return }
      entries[slot].features.remove(.wideReply)
      wideReplies[number] = nil
    } else {
      entries[slot].features.insert(.wideReply)
      wideReplies[number] = reply
    }
  }
}
