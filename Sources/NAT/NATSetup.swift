public import Conntrack
public import Netfilter
import Wire

extension ConntrackTable {
  /// True if the translation of an end has been set up, including the null binding.
  public func isNATSetUp(_ handle: ConnectionHandle, _ manip: Manip) -> Bool {
    self[handle]?.status.contains(manip.doneStatus) ?? true
  }

  /// Chooses the translation of one end of an unconfirmed connection and alters its reply tuple accordingly.
  /// The corresponding kernel function is `nf_nat_setup_info`.
  /// - Parameter random: the random source for ports that the kernel chooses at random.
  /// - Returns: `.accept`, or `.drop` if that end was set up before.
  @discardableResult
  public func setUpNAT(
    _ handle: ConnectionHandle, _ range: NATRange, _ manip: Manip, random: inout some RandomNumberGenerator, now: Instant
  ) -> NetfilterVerdict {
    guard let connection = self[handle] else { return .accept }
    guard !connection.isConfirmed else { return .accept }
    guard !connection.status.contains(manip.doneStatus), let current = connection.reply.inverted() else { return .drop }
    var search = TupleSearch(table: self, handle: handle, connection: connection, range: range, manip: manip, now: now)
    let new = search.uniqueTuple(current, random: &random)
    if new != current {
      guard let reply = new.inverted() else { return .drop }
      alterReply(of: handle, to: reply)
      insertStatus(manip.status, of: handle)
    }
    if manip == .source { indexBySource(handle) }
    insertStatus(manip.doneStatus, of: handle)
    return .accept
  }

  /// Sets up an end without translation. Only the port changes if another connection has the tuple.
  /// The corresponding kernel function is `nf_nat_alloc_null_binding`.
  @discardableResult
  public func setUpNullBinding(
    _ handle: ConnectionHandle, _ manip: Manip, random: inout some RandomNumberGenerator, now: Instant
  ) -> NetfilterVerdict {
    guard let connection = self[handle] else { return .accept }
    let address = manip == .source ? connection.reply.destination : connection.reply.source
    return setUpNAT(handle, NATRange(address: address), manip, random: &random, now: now)
  }
}

/// Searches a tuple within a range that no other connection has.
private struct TupleSearch {
  let table: ConntrackTable
  let handle: ConnectionHandle
  let connection: Connection
  let range: NATRange
  let manip: Manip
  let now: Instant

  /// The maximum number of ports tried in a row; from `harderThreshold` remaining attempts on, closing TCP connections may be evicted.
  private static let maximumAttempts = 128, harderThreshold = 32

  /// The corresponding kernel function is `get_unique_tuple`.
  mutating func uniqueTuple(_ original: Tuple, random: inout some RandomNumberGenerator) -> Tuple {
    let isRandom = !range.flags.isDisjoint(with: .protocolRandomAll)
    if manip == .source, !isRandom {
      if isInRange(original) {
        if !isUsedByNew(original) { return original }
      } else if let mapped = existingMapping(original), !isUsed(mapped) {
        return mapped
      }
    }
    var tuple = original
    chooseAddress(&tuple)
    if !isRandom {
      if range.flags.contains(.protocolSpecified) {
        if !range.flags.contains(.protocolOffset), isIDInRange(tuple, manip),
          range.minimumID == range.maximumID || !isUsed(tuple)
        {
          return tuple
        }
      } else if !isUsed(tuple) {
        return tuple
      }
    }
    chooseID(&tuple, random: &random)
    return tuple
  }

  // MARK: Ranges

  /// The corresponding kernel function is `nf_in_range`.
  private func isInRange(_ tuple: Tuple) -> Bool {
    if range.flags.contains(.mapAddresses), !range.addresses.contains(tuple.sourceBits) { return false }
    return !range.flags.contains(.protocolSpecified) || isIDInRange(tuple, .source)
  }

  /// The corresponding kernel function is `l4proto_in_range`.
  private func isIDInRange(_ tuple: Tuple, _ manip: Manip) -> Bool {
    switch tuple.proto {
    case .icmp, .icmpv6: return tuple.sourceID >= range.minimumID && tuple.sourceID <= range.maximumID
    case .gre, .tcp, .udp, .udplite, .sctp:
      let id = manip == .source ? tuple.sourceID : tuple.destinationID
      return id >= range.minimumID && id <= range.maximumID
    default: return true
    }
  }

  /// The translated source of another connection with the same source. The corresponding kernel function is `find_appropriate_src`.
  private func existingMapping(_ original: Tuple) -> Tuple? {
    var found: Tuple?
    table.findMapping(ofSource: original, zone: connection.zone) { reply in
      guard var mapped = reply.inverted() else { return false }
      mapped.destinationBits = original.destinationBits
      mapped.destinationID = original.destinationID
      guard isInRange(mapped) else { return false }
      found = mapped
      return true
    }
    return found
  }

  // MARK: Taken tuples

  /// The corresponding kernel function is `nf_nat_used_tuple`.
  private func isUsed(_ tuple: Tuple) -> Bool {
    tuple.inverted().map { table.isTaken($0, ignoring: handle, now: now) } ?? false
  }

  /// As `isUsed`, but false if two flows clash in opposite directions: `confirm` resolves that. The corresponding kernel function is
  /// `nf_nat_used_tuple_new`.
  private func isUsedByNew(_ tuple: Tuple) -> Bool {
    guard isUsed(tuple) else { return false }
    let usesNAT: ConnectionStatus = [.sourceNAT, .destinationNAT, .sequenceAdjust]
    guard table.allowsClash(connection.original), connection.status.isDisjoint(with: usesNAT) else { return true }
    let zone = connection.zone
    guard
      let found = table.find(tuple, zone: zone, now: now)
        ?? tuple.inverted().flatMap({ table.find($0, zone: zone, now: now) }),
      let other = table[found.handle]
    else { return false }
    return !other.status.isDisjoint(with: usesNAT) || other.original != connection.reply
  }

  /// As `isUsed`, but evicts a closed TCP connection if the new one's sequence numbers are ahead.
  /// The corresponding kernel function is `nf_nat_used_tuple_harder`.
  private func isUsed(_ tuple: Tuple, attemptsLeft: Int) -> Bool {
    guard attemptsLeft <= TupleSearch.harderThreshold, tuple.proto == .tcp, case .tcp(let own) = connection.tracker,
      own.state == .synSent, let reply = tuple.inverted()
    else { return isUsed(tuple) }
    guard let found = table.find(reply, zone: connection.zone, now: now) else { return false }
    guard found.direction == .reply, found.handle != handle, let other = table[found.handle],
      case .tcp(let theirs) = other.tracker, theirs.state.rawValue >= TCPConntrackState.timeWait.rawValue,
      other.status.isDisjoint(with: [.fixedTimeout, .dying]), other.status.contains(.sourceNAT),
      Int32(bitPattern: own.end(.original).end &- theirs.end(.original).end) > 0
    else { return true }
    return !table.delete(found.handle, now: now)
  }

  // MARK: Choice

  /// Chooses an address of the range by a hash, so the same client always gets the same address.
  /// The corresponding kernel function is `find_best_ips_proto`.
  private func chooseAddress(_ tuple: inout Tuple) {
    guard range.flags.contains(.mapAddresses) else { return }
    var chosen = range.addresses.lowerBound
    if range.addresses.lowerBound != range.addresses.upperBound {
      // The kernel hashes the words in memory order of a little-endian machine; zeros follow an IPv4 address.
      let isV4 = tuple.family == .ipv4
      let source = words(tuple.sourceBits, isV4)
      let destination = words(tuple.destinationBits, isV4)
      let lower = words(range.addresses.lowerBound, isV4)
      let upper = words(range.addresses.upperBound, isV4)
      let last = isV4 ? 0 : 3
      let isPersistent = range.flags.contains(.persistent)
      var hash = JenkinsHash.words(
        source.map(\.byteSwapped), initial: isPersistent ? 0 : destination[last].byteSwapped ^ UInt32(connection.zone.id))
      var isFullRange = false
      chosen = 0
      for index in 0...last {
        let minimum = isFullRange ? 0 : lower[index]
        let distance = isFullRange ? .max : upper[index] &- minimum &+ 1
        // Scales the hash to the distance, as `reciprocal_scale` does.
        let word = minimum &+ UInt32(truncatingIfNeeded: (UInt64(hash) &* UInt64(distance)) >> 32)
        chosen = chosen << 32 | UInt128(word)
        if word != upper[index] { isFullRange = true }
        // As the kernel: while choosing a destination, the hash uses the word just chosen.
        if !isPersistent { hash ^= (manip == .source ? destination[index] : word).byteSwapped }
      }
    }
    if manip == .source { tuple.sourceBits = chosen } else { tuple.destinationBits = chosen }
  }

  /// The four words of an address as the kernel's `nf_inet_addr` holds them, each in host order.
  private func words(_ bits: UInt128, _ isV4: Bool) -> [UInt32] {
    isV4 ? [UInt32(truncatingIfNeeded: bits), 0, 0, 0] : IPv6Address(rawValue: bits).words
  }

  /// Notes that chance has chosen a port from a range.
  private func noteDrawn(_ minimum: Int, _ size: Int, _ tuple: Tuple) {
    guard size > 1, [.tcp, .udp, .udplite, .sctp].contains(tuple.proto) else { return }
    let range = UInt16(truncatingIfNeeded: minimum)...UInt16(truncatingIfNeeded: minimum + size - 1)
    table.update(handle) { details in
      if manip == .source { details.drawnPorts.source = range } else { details.drawnPorts.destination = range }
    }
  }

  /// Searches a port, identifier or key that makes the tuple unique. If none is found, the last one tried stays and `confirm` drops
  /// the packet.
  /// The corresponding kernel function is `nf_nat_l4proto_unique_tuple`.
  private func chooseID(_ tuple: inout Tuple, random: inout some RandomNumberGenerator) {
    guard let (key, minimum, size) = idRange(tuple) else { return }
    var offset: UInt16 = 0
    if range.flags.contains(.protocolOffset) {
      offset = tuple[keyPath: key] &- range.baseID
    } else if !range.flags.isDisjoint(with: .protocolRandomAll) || manip != .destination {
      offset = UInt16(truncatingIfNeeded: random.next())
      noteDrawn(minimum, size, tuple)
    }
    var attempts = min(size, TupleSearch.maximumAttempts)
    while true {
      for attempt in 0..<attempts {
        tuple[keyPath: key] = UInt16(truncatingIfNeeded: minimum + Int(offset) % size)
        if !isUsed(tuple, attemptsLeft: attempts - attempt) { return }
        offset &+= 1
      }
      if attempts >= size || attempts < 16 { return }
      attempts /= 2
      offset = UInt16(truncatingIfNeeded: random.next())
      noteDrawn(minimum, size, tuple)
    }
  }

  /// The identifier to choose, the first value and the number of values; nil if it must not change.
  private func idRange(_ tuple: Tuple) -> (WritableKeyPath<Tuple, UInt16>, Int, Int)? {
    let isSpecified = range.flags.contains(.protocolSpecified)
    let low = Int(min(range.minimumID, range.maximumID))
    let high = Int(max(range.minimumID, range.maximumID))
    switch tuple.proto {
    case .icmp, .icmpv6:
      return isSpecified ? (\.sourceID, low, high - low + 1) : (\.sourceID, 0, 65536)
    case .gre:
      // Plain GRE has no master connection and no key to change.
      guard table.master(of: handle) != nil else { return nil }
      let key: WritableKeyPath<Tuple, UInt16> = manip == .source ? \.sourceID : \.destinationID
      return isSpecified ? (key, low, high - low + 1) : (key, 1, 65535)
    case .tcp, .udp, .udplite, .sctp:
      let key: WritableKeyPath<Tuple, UInt16> = manip == .source ? \.sourceID : \.destinationID
      if isSpecified { return (key, low, high - low + 1) }
      if manip == .destination { return nil }
      // A privileged port is mapped to a privileged port: one below 512 to 1…511, any other to 600…1023.
      switch tuple[keyPath: key] {
      case ..<512: return (key, 1, 511)
      case ..<1024: return (key, 600, 424)
      default: return (key, 1024, 64512)
      }
    default:
      return nil
    }
  }
}
