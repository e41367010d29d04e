internal import Wire
internal import XTables

/// Reads the kernel's list of ipsets. A set with many elements comes in several messages.
struct KernelSetListing {
  private(set) var sets: [AddressSet] = []
  /// The names of the sets that Ferrule does not understand, so that it could not put them back as they are.
  private(set) var unread: Set<String> = []

  private typealias Attribute = KernelSets.Attribute
  private typealias Flag = KernelSets.Flag

  /// Takes the next message of the list.
  mutating func add(_ message: NetlinkMessage) {
    let attributes = message.attributes(from: 4)
    guard let name = attributes.text(Attribute.name) else { return }
    if let type = attributes.text(Attribute.type) {
      guard let type = AddressSetType(type) else {
        unread.insert(name)
        return
      }
      let hasAddresses = type.dimensions.contains { $0 == .address || $0 == .network }
      var set = AddressSet(name: name, type: type, family: hasAddresses ? attributes.uint8(Attribute.family).flatMap(Family.init) : nil)
      if let header = attributes.nested(Attribute.data) { Self.read(header, of: &set) }
      sets.append(set)
    }
    guard let elements = attributes[Attribute.elements], let last = sets.indices.last, sets[last].name == name else { return }
    for element in NetlinkAttributes.list(elements, of: Attribute.data) {
      if !Self.read(element, into: &sets[last]) { unread.insert(name) }
    }
  }

  private static func read(_ header: NetlinkAttributes, of set: inout AddressSet) {
    let flags = header.network32(Attribute.flags) ?? 0
    set.timeout = header.network32(Attribute.timeout)
    set.countsPackets = flags & Flag.withCounters != 0
    set.keepsComments = flags & Flag.withComments != 0
    set.forcesAdding = flags & Flag.withForcedAdding != 0
    set.carriesPacketInfo = flags & Flag.withPacketInfo != 0
    set.size = header.network32(set.type.isList ? Attribute.size : Attribute.hashSize)
    set.capacity = set.type.method == "hash" ? header.network32(Attribute.capacity).map { Int($0) } ?? set.capacity : .max
    if let mask = header.network32(Attribute.markMask) { set.markMask = mask }
    if let length = header.uint8(Attribute.netMask), let family = set.family, Int(length) < family.addressBits {
      set.mask = AddressMask.mask(prefix: Int(length), family)
    } else if let mask = header.nested(Attribute.bitMask).flatMap(address), mask != AddressMask.mask(prefix: 32, .ipv4) {
      set.mask = mask
    }
    guard set.type.method == "bitmap" else { return }
    if let low = header.network16(Attribute.port), let high = header.network16(Attribute.lastPort), low <= high {
      set.range = UInt128(low)...UInt128(high)
    }
    if let low = header.nested(Attribute.address).flatMap(address), let high = header.nested(Attribute.lastAddress).flatMap(address),
      low <= high
    {
      set.range = low...high
    }
  }

  private static func address(_ attributes: NetlinkAttributes) -> UInt128? {
    if let four = attributes.network32(1) { return UInt128(four) }
    return attributes[2].flatMap { $0.uint128(at: 0) }
  }

  /// - Returns: false if a value of the element is missing.
  private static func read(_ element: NetlinkAttributes, into set: inout AddressSet) -> Bool {
    if set.type.isList {
      guard let member = element.text(Attribute.member) else { return false }
      set.members.append(AddressSet.Member(member, entry(element)))
      if let comment = element.text(Attribute.comment) { set.comment([.set(member)], comment) }
      return true
    }
    let flags = element.network32(Attribute.flags) ?? 0
    var values: [AddressSetValue] = []
    var addressCount = 0
    for dimension in set.type.dimensions {
      guard let value = value(dimension, of: element, set, flags, &addressCount) else { return false }
      values.append(value)
    }
    set.insert(values, entry(element))
    let comment = element.text(Attribute.comment)
    if let comment { set.comment(values, comment) }
    // What `ipset save' could not print is not understood either.
    return comment.map { !$0.contains { "\"\n\r".contains($0) } } ?? true
      && !set.text(of: values).contains { $0 == "\"" || $0.isWhitespace }
  }

  /// What the set stores for an element or a member.
  private static func entry(_ element: NetlinkAttributes) -> AddressSet.Entry {
    let flags = element.network32(Attribute.flags) ?? 0
    var entry = AddressSet.Entry()
    if let seconds = element.network32(Attribute.timeout), seconds > 0 { entry.expires = UInt64(seconds) * 1_000_000_000 }
    entry.isException = flags & Flag.isException != 0
    entry.isWildcard = flags & Flag.isWildcard != 0
    entry.packets = element.network64(Attribute.packetCount) ?? 0
    entry.bytes = element.network64(Attribute.byteCount) ?? 0
    if let mark = element.network64(Attribute.packetMark) {
      (entry.mark, entry.markMask) = (UInt32(truncatingIfNeeded: mark >> 32), UInt32(truncatingIfNeeded: mark))
    }
    entry.priority = element.network32(Attribute.priority) ?? 0
    entry.queue = element.network16(Attribute.queue) ?? 0
    return entry
  }

  private static func value(
    _ dimension: AddressSetType.Dimension, of element: NetlinkAttributes, _ set: AddressSet, _ flags: UInt32, _ addressCount: inout Int
  ) -> AddressSetValue? {
    switch dimension {
    case .address, .network:
      let numbers = addressCount == 0 ? (Attribute.address, Attribute.prefix) : (Attribute.secondAddress, Attribute.secondPrefix)
      addressCount += 1
      guard let bits = element.nested(numbers.0).flatMap(address), let family = set.family else { return nil }
      let prefix = dimension == .network ? element.uint8(numbers.1).map { Int($0) } : nil
      return .network(bits, prefix: prefix ?? family.addressBits)
    case .port:
      guard let number = element.network16(Attribute.port) else { return nil }
      return .port(proto: set.type.method == "bitmap" ? 0 : element.uint8(Attribute.proto) ?? 0, number: number)
    case .hardwareAddress:
      // A bitmap of addresses may have elements without one.
      return element[Attribute.hardwareAddress].flatMap { MACAddress($0) }.map { .hardwareAddress($0.rawValue) }
    case .interface:
      return element.text(Attribute.interface).map { .interface((flags & Flag.physicalDevice != 0 ? "physdev:" : "") + $0) }
    case .mark: return element.network32(Attribute.mark).map { .mark($0) }
    case .set: return nil
    }
  }
}
