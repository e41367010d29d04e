import Wire

/// Takes from a packet the values to look up in a set. The corresponding kernel callback is `kadt`.
extension AddressSet {
  /// The values of a packet for this set; nil if the packet lacks one of them.
  ///
  /// - Parameter sources: one bit for each dimension, counted from 1; set for the packet's source, clear for its destination.
  func values(of context: PacketContext, sources: UInt8, forAdding: Bool) -> [AddressSetValue]? {
    var values: [AddressSetValue] = []
    for (index, dimension) in type.dimensions.enumerated() {
      let isSource = sources >> UInt8(index + 1) & 1 == 1
      guard let value = value(dimension, index, of: context, isSource: isSource, forAdding: forAdding) else { return nil }
      values.append(value)
    }
    return values
  }

  private func value(
    _ dimension: AddressSetType.Dimension, _ index: Int, of context: PacketContext, isSource: Bool, forAdding: Bool
  ) -> AddressSetValue? {
    switch dimension {
    case .address, .network:
      guard let address = isSource ? context.packet.source : context.packet.destination, address.family == family else { return nil }
      let prefix = forAdding ? addedPrefix(index) : address.family.addressBits
      let bits = address.bits & mask & AddressMask.mask(prefix: prefix, address.family)
      return type.method == "bitmap" && !range.contains(bits) ? nil : .network(bits, prefix: prefix)
    case .port: return port(of: context.packet, isSource: isSource)
    case .hardwareAddress:
      guard let link = context.packet.link else { return nil }
      return .hardwareAddress(isSource ? link.source.rawValue : link.destination.rawValue)
    case .interface:
      return (isSource ? context.input : context.output).map { .interface($0.name) }
    case .mark: return .mark(context.mark & markMask)
    case .set: return nil
    }
  }

  /// The protocol and port of a packet. The corresponding kernel functions are `ip_set_get_ip4_port` and `ip_set_get_ip6_port`.
  private func port(of packet: Packet, isSource: Bool) -> AddressSetValue? {
    guard let transport = packet.transport, !transport.isTruncated else { return nil }
    let number = transport.proto.rawValue
    let hasICMP = transport.proto == (transport.family == .ipv4 ? .icmp : .icmpv6)
    let hasPorts = [IPProtocol.tcp, .udp, .sctp, .udplite].contains(transport.proto)
    if type.method == "bitmap", transport.proto != .tcp, transport.proto != .udp { return nil }
    guard hasPorts || hasICMP else {
      return transport.family == .ipv6 && transport.fragmentOffset != 0 ? nil : .port(proto: number, number: 0)
    }
    guard transport.fragmentOffset == 0, let word = packet.bytes.uint32(at: transport.offset) else { return nil }
    let port = hasICMP || isSource ? UInt16(word >> 16) : UInt16(truncatingIfNeeded: word)
    // A bitmap of ports stores no protocol.
    if type.method == "bitmap" { return range.contains(UInt128(port)) ? .port(proto: 0, number: port) : nil }
    return .port(proto: number, number: port)
  }
}

/// How a rule queries a set. The corresponding kernel structure is `ip_set_adt_opt`.
public struct AddressSetQuery: Sendable {
  /// The number of directions in the rule (`src,dst`).
  public var directions: Int
  /// One bit for each direction, counted from 1; set for `src`.
  public var sources: UInt8
  /// Whether exceptions match and other elements do not (`--return-nomatch`).
  public var returnsExceptions = false
  /// Whether a match updates the counters of the element; of a list, those that the list stores for its member.
  public var updatesCounters = true
  /// Whether a match in a member of a list updates the counters of the member's element.
  public var updatesMemberCounters = true
  /// An additional condition on the counters of the element.
  public var counters: @Sendable (_ packets: UInt64, _ bytes: UInt64) -> Bool = { _, _ in true }

  /// Creates a query without conditions on counters.
  public init(directions: Int, sources: UInt8) {
    self.directions = directions
    self.sources = sources
  }
}

extension AddressSets {
  /// The element that a packet matches; nil if none. The corresponding kernel function is `ip_set_test`.
  public func match(_ name: String, _ query: AddressSetQuery, _ context: PacketContext) -> AddressSet.Entry? {
    guard let set = self[name], query.directions >= set.type.directionCount else { return nil }
    return set.type.isList ? match(list: set, query, context) : match(set, query, context)
  }

  /// The first member of a list that has the packet. A condition on counters is one on the list's own; those of the members are not
  /// compared. The corresponding kernel function is `list_set_ktest`.
  private func match(list: AddressSet, _ query: AddressSetQuery, _ context: PacketContext) -> AddressSet.Entry? {
    var inMember = query
    inMember.counters = { _, _ in true }
    inMember.updatesCounters = query.updatesCounters && query.updatesMemberCounters
    for (index, member) in list.members.enumerated() {
      guard let set = element(member.name, query), let found = match(set, inMember, context),
        member.entry.expires.map({ $0 > context.world.now }) ?? true,
        let own = count(context, list, query, member.entry, store: { entry in update(list.name) { $0.members[index].entry = entry } })
      else { continue }
      return list.carriesPacketInfo ? own : found
    }
    return nil
  }

  /// A member of a list that the query fits. The kernel accepts no list as member of a list.
  private func element(_ name: String, _ query: AddressSetQuery) -> AddressSet? {
    self[name].flatMap { query.directions >= $0.type.directionCount && !$0.type.isList ? $0 : nil }
  }

  /// Counts a packet that an element covers; nil if the element's counters are not those of the query. The corresponding kernel function is
  /// `ip_set_match_extensions`.
  private func count(
    _ context: PacketContext, _ set: AddressSet, _ query: AddressSetQuery, _ entry: AddressSet.Entry, store: (AddressSet.Entry) -> Void
  ) -> AddressSet.Entry? {
    guard set.countsPackets else { return entry }
    var entry = entry
    // The packet is counted before the counters are compared, even if the comparison then fails.
    if query.updatesCounters {
      entry.packets &+= 1
      entry.bytes &+= UInt64(context.packet.count)
      store(entry)
    }
    return query.counters(entry.packets, entry.bytes) ? entry : nil
  }

  private func match(_ set: AddressSet, _ query: AddressSetQuery, _ context: PacketContext) -> AddressSet.Entry? {
    guard set.family == nil || set.family == context.family,
      let values = set.values(of: context, sources: query.sources, forAdding: false)
    else { return nil }
    let found = set.lookUp(values, now: context.world.now)
    switch found.answer {
    case .absent: return nil
    case .present(let entry):
      if query.returnsExceptions, set.type.allowsExceptions { return nil }
      return count(context, set, query, entry, store: { entry in update(set.name) { $0.insert(found.values, entry) } })
    case .excepted(let exception):
      return query.returnsExceptions ? exception : nil
    }
  }

  /// Adds the values of a packet to a set. The corresponding kernel function is `ip_set_add`.
  ///
  /// - Parameters:
  ///   - refreshes: whether the timeout of an existing element is reset (`--exist`).
  ///   - timeout: seconds; nil for the default of the set.
  public func add(_ name: String, _ query: AddressSetQuery, _ context: PacketContext, refreshes: Bool, timeout: UInt32?) {
    guard let set = self[name], query.directions >= set.type.directionCount else { return }
    for set in targets(set, query, context) where add(to: set, query, context, refreshes: refreshes, timeout: timeout) { return }
  }

  /// The sets that a packet is added to or removed from: a set itself, or the members of a list, of which the first that changes is the
  /// last. The corresponding kernel functions are `list_set_kadd` and `list_set_kdel`.
  private func targets(_ set: AddressSet, _ query: AddressSetQuery, _ context: PacketContext) -> [AddressSet] {
    guard set.type.isList else { return [set] }
    return set.members.compactMap { member in
      member.entry.expires.map { $0 <= context.world.now } == true ? nil : element(member.name, query)
    }
  }

  /// Returns false if the set stays as it is.
  private func add(to set: AddressSet, _ query: AddressSetQuery, _ context: PacketContext, refreshes: Bool, timeout: UInt32?) -> Bool {
    guard set.family == nil || set.family == context.family,
      let values = set.values(of: context, sources: query.sources, forAdding: true)
    else { return false }
    let now = context.world.now
    var entry = AddressSet.Entry()
    if let old = set.entry(values), old.expires.map({ $0 > now }) ?? true {
      guard refreshes else { return false }
      entry = old
    }
    if let standard = set.timeout {
      let seconds = timeout ?? standard
      entry.expires = seconds == 0 ? nil : now &+ UInt64(seconds) &* 1_000_000_000
    }
    var isAdded = false
    update(set.name) { isAdded = $0.insert(values, entry) }
    return isAdded
  }

  /// Removes the values of a packet from a set. The corresponding kernel function is `ip_set_del`.
  public func remove(_ name: String, _ query: AddressSetQuery, _ context: PacketContext) {
    guard let set = self[name], query.directions >= set.type.directionCount else { return }
    for set in targets(set, query, context) {
      guard set.family == nil || set.family == context.family,
        let values = set.values(of: context, sources: query.sources, forAdding: true), let entry = set.entry(values),
        entry.expires.map({ $0 > context.world.now }) ?? true
      else { continue }
      update(set.name) { $0.remove(values) }
      return
    }
  }
}
