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
  /// IPv4: the addresses of the original tuple, source in the upper half, and those of the reply. IPv6: the source of the original tuple and
  /// its destination, upper half first.
  private var addresses: InlineArray<4, UInt64>
  /// The identifiers of the original tuple and of the reply, that of the source in the upper half; see ``Tuple/sourceID``.
  private var ids: InlineArray<2, UInt32>
  /// When the connection expires. Before confirmation: the lifetime that starts at confirmation.
  var expiry: Instant = Instant(nanoseconds: 0)
  /// The connection mark, `nf_conn.mark`.
  var mark: UInt32 = 0
  var generation: UInt32
  /// The slot of the next connection in the chain of the same source, or of the next free slot; `.max` ends the chain.
  var next: UInt32 = .max
  /// What the caller keeps with each direction; see ``ConntrackTable/keep(_:with:_:)``.
  var notes: InlineArray<2, UInt16> = [0, 0]
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
    ids = [original.ids, reply.ids]
    addresses =
      original.family == .ipv4
      ? [original.narrowAddresses, reply.narrowAddresses, 0, 0]
      : [
        UInt64(truncatingIfNeeded: original.sourceBits >> 64), UInt64(truncatingIfNeeded: original.sourceBits),
        UInt64(truncatingIfNeeded: original.destinationBits >> 64), UInt64(truncatingIfNeeded: original.destinationBits),
      ]
  }

  /// The status, as the kernel's `IPS_*` bits.
  var status: ConnectionStatus {
    @inline(__always) get { ConnectionStatus(rawValue: UInt32(statusBits)) }
    @inline(__always) set { statusBits = UInt16(truncatingIfNeeded: newValue.rawValue) }
  }

  /// The tuple of the direction that opened the connection.
  @inline(__always)
  var original: Tuple {
    if family == .ipv4 { return narrowTuple(.original) }
    return Tuple(
      family: family, proto: proto, sourceBits: UInt128(addresses[0]) << 64 | UInt128(addresses[1]), sourceID: UInt16(ids[0] >> 16),
      destinationBits: UInt128(addresses[2]) << 64 | UInt128(addresses[3]), destinationID: UInt16(truncatingIfNeeded: ids[0]))
  }

  /// The tuple of the reply direction, unless its addresses are not in the entry.
  @inline(__always)
  var storedReply: Tuple {
    if family == .ipv4 { return narrowTuple(.reply) }
    var tuple = original
    swap(&tuple.sourceBits, &tuple.destinationBits)
    (tuple.sourceID, tuple.destinationID) = (UInt16(ids[1] >> 16), UInt16(truncatingIfNeeded: ids[1]))
    return tuple
  }

  /// Stores a reply tuple of the same family and protocol.
  /// - Returns: false if its addresses are too long for the entry.
  mutating func store(reply: Tuple) -> Bool {
    ids[1] = reply.ids
    if family == .ipv4 { addresses[1] = reply.narrowAddresses }
    return storedReply == reply
  }

  @inline(__always)
  private func narrowTuple(_ direction: Direction) -> Tuple {
    let (addresses, ids) = (addresses[Int(direction.rawValue)], ids[Int(direction.rawValue)])
    return Tuple(
      family: .ipv4, proto: proto, sourceBits: UInt128(addresses >> 32), sourceID: UInt16(ids >> 16),
      destinationBits: UInt128(addresses & 0xFFFF_FFFF), destinationID: UInt16(truncatingIfNeeded: ids))
  }

  /// True if the tuple of a direction is this one. Not for a reply whose addresses are not in the entry.
  @inline(__always)
  func has(_ tuple: Tuple, _ direction: Direction) -> Bool {
    let side = Int(direction.rawValue)
    guard ids[side] == tuple.ids, proto == tuple.proto, family == tuple.family else { return false }
    if family == .ipv4 { return addresses[side] == tuple.narrowAddresses }
    // Not by the tuples, for which the entry would be copied.
    let (source, destination) = direction == .original ? (0, 2) : (2, 0)
    return addresses[source] == UInt64(truncatingIfNeeded: tuple.sourceBits >> 64)
      && addresses[source &+ 1] == UInt64(truncatingIfNeeded: tuple.sourceBits)
      && addresses[destination] == UInt64(truncatingIfNeeded: tuple.destinationBits >> 64)
      && addresses[destination &+ 1] == UInt64(truncatingIfNeeded: tuple.destinationBits)
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
