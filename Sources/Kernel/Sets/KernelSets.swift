internal import Glibc
internal import Wire
package import XTables

/// The ipsets of the calling thread's network namespace, over nfnetlink: the only way in which Ferrule creates, fills, swaps and deletes
/// sets. Kernel: `ip_set_core.c`.
package struct KernelSets {
  private var socket: NetlinkSocket
  /// The time from which element timeouts are computed, in nanoseconds.
  private let now: UInt64

  enum Message {
    static let subsystem: UInt8 = 6, version: UInt8 = 7
    static let create: UInt8 = 2, destroy: UInt8 = 3, swap: UInt8 = 6, list: UInt8 = 7, add: UInt8 = 9, type: UInt8 = 13
  }

  /// `IPSET_ATTR_*` numbers: of messages; of sets and elements; of sets; of elements.
  enum Attribute {
    static let version: UInt16 = 1, name: UInt16 = 2, type: UInt16 = 3, revision: UInt16 = 4, family: UInt16 = 5, data: UInt16 = 7
    static let otherName: UInt16 = 3, messageFlags: UInt16 = 6, elements: UInt16 = 8, number: UInt16 = 11
    static let address: UInt16 = 1, lastAddress: UInt16 = 2, prefix: UInt16 = 3, port: UInt16 = 4, lastPort: UInt16 = 5, timeout: UInt16 = 6
    static let proto: UInt16 = 7, flags: UInt16 = 8, mark: UInt16 = 10, markMask: UInt16 = 11, bitMask: UInt16 = 12
    static let hashSize: UInt16 = 18, capacity: UInt16 = 19, netMask: UInt16 = 20, size: UInt16 = 23
    static let hardwareAddress: UInt16 = 17, member: UInt16 = 18, secondAddress: UInt16 = 20, secondPrefix: UInt16 = 21
    static let interface: UInt16 = 23, byteCount: UInt16 = 24, packetCount: UInt16 = 25, comment: UInt16 = 26
    static let packetMark: UInt16 = 27, priority: UInt16 = 28, queue: UInt16 = 29
    /// The flag for numbers in network byte order.
    static let network: UInt16 = 0x4000
  }

  /// `IPSET_FLAG_*`.
  enum Flag {
    static let physicalDevice: UInt32 = 2, isException: UInt32 = 4, withCounters: UInt32 = 8, withComments: UInt32 = 16
    static let withForcedAdding: UInt32 = 32
    /// Of a message.
    static let onlyHeaders: UInt32 = 4
    static let withPacketInfo: UInt32 = 64, isWildcard: UInt32 = 128
  }

  /// The number of elements sent in one datagram.
  private static let batch = 100

  /// - Parameter now: the time from which element timeouts are computed, in nanoseconds.
  package init(now: UInt64 = 0) throws(KernelError) {
    socket = try NetlinkSocket(.netfilter)
    self.now = now
  }

  /// Creates the sets in order, so that they get the indices with which rules were compiled.
  package mutating func make(_ sets: [AddressSet]) throws(KernelError) {
    for set in sets { try create(set) }
    for set in sets { try fill(set) }
  }

  /// Adds the elements to a set that was created.
  mutating func fill(_ set: AddressSet) throws(KernelError) {
    let elements = set.elements
    var messages: [NetlinkMessage] = []
    func flush() throws(KernelError) {
      if !messages.isEmpty { try socket.request(messages, what: "ipset: adding to \(set.name)") }
      messages = []
    }
    for (values, entry) in elements {
      messages.append(element(of: set, values, entry))
      if messages.count == Self.batch { try flush() }
    }
    for member in set.members {
      messages.append(self.member(member, of: set))
      if messages.count == Self.batch { try flush() }
    }
    try flush()
  }

  /// Exchanges the contents of two sets of the same type and family. Rules and lists that name one have that of the other afterwards.
  mutating func swap(_ one: String, _ other: String) throws(KernelError) {
    var message = Self.message(Message.swap, name: one)
    message.add(Attribute.otherName, text: other)
    try retrying("ipset: swapping \(one) and \(other)", message)
  }

  /// Deletes a set.
  ///
  /// - Throws: `KernelError` with EBUSY if a rule or a list names it.
  mutating func destroy(_ name: String) throws(KernelError) {
    try retrying("ipset: deleting \(name)", Self.message(Message.destroy, name: name))
  }

  /// The kernel refuses both while another program lists the set.
  private mutating func retrying(_ what: String, _ message: NetlinkMessage) throws(KernelError) {
    for attempt in 0... {
      do throws(KernelError) {
        return try socket.request([message], what: what)
      } catch {
        guard error.error?.number == EBUSY || error.isTransient, attempt < 50 else { throw error }
        usleep(1000)
      }
    }
  }

  /// All sets with their elements, in the order of their numbers, and the names of those that Ferrule does not understand.
  package mutating func read() throws(KernelError) -> (sets: [AddressSet], unread: Set<String>) {
    var listing = KernelSetListing()
    _ = try socket.stream(Self.message(Message.list, name: nil), what: "ipset: listing the sets") { listing.add($0) }
    return (listing.sets.filter { !listing.unread.contains($0.name) }, listing.unread)
  }

  /// The names of all sets by the numbers that rules have; none if the kernel has no sets, or denies access.
  package static func numbers() -> [UInt16: String] {
    // A request over netlink would load the module.
    guard KernelAddressSets.find("") != .unknown, var kernel = try? KernelSets() else { return [:] }
    var question = message(Message.list, name: nil)
    question.add(Attribute.messageFlags | Attribute.network, network32: Flag.onlyHeaders)
    var names: [UInt16: String] = [:]
    for answer in (try? kernel.socket.dump(question, what: "ipset: listing the sets")) ?? [] {
      let attributes = answer.attributes(from: 4)
      if let number = attributes.network16(Attribute.number), let name = attributes.text(Attribute.name) { names[number] = name }
    }
    return names
  }

  static func message(_ command: UInt8, flags: UInt16 = 0, name: String?) -> NetlinkMessage {
    var message = NetlinkMessage(subsystem: Message.subsystem, command, flags: flags, family: Family.ipv4.rawValue)
    message.add(Attribute.version, [Message.version])
    if let name { message.add(Attribute.name, text: name) }
    return message
  }

  // MARK: Sets

  /// Creates a set without elements.
  ///
  /// - Throws: `KernelError` with EEXIST if there is a set of that name.
  mutating func create(_ set: AddressSet) throws(KernelError) {
    let family = set.family?.rawValue ?? 0
    var question = KernelSets.message(Message.type, name: nil)
    question.add(Attribute.type, text: set.type.name)
    question.add(Attribute.family, [family])
    guard let revision = try? socket.get(question, what: "ipset")?.attributes(from: 4).uint8(Attribute.revision) else {
      throw KernelError(.malformed("ipset: the kernel does not support sets of type \(set.type.name)"))
    }
    var message = KernelSets.message(
      Message.create, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding, name: set.name)
    message.add(Attribute.type, text: set.type.name)
    message.add(Attribute.revision, [revision])
    message.add(Attribute.family, [family])
    message.add(Attribute.data) { KernelSets.describe(set, in: &$0) }
    try socket.request([message], what: "ipset: creating \(set.name)")
  }

  private static func describe(_ set: AddressSet, in data: inout NetlinkMessage) {
    if let timeout = set.timeout { data.add(Attribute.timeout | Attribute.network, network32: timeout) }
    var flags: UInt32 = set.keepsComments ? Flag.withComments : 0
    if set.countsPackets { flags |= Flag.withCounters }
    if set.carriesPacketInfo { flags |= Flag.withPacketInfo }
    if set.forcesAdding { flags |= Flag.withForcedAdding }
    if flags != 0 { data.add(Attribute.flags | Attribute.network, network32: flags) }
    switch set.type.method {
    case "list": data.add(Attribute.size | Attribute.network, network32: max(set.size ?? 8, UInt32(clamping: set.members.count)))
    case "bitmap":
      if set.type.dimensions[0] == .port {
        data.add(Attribute.port | Attribute.network, network16: UInt16(clamping: set.range.lowerBound))
        data.add(Attribute.lastPort | Attribute.network, network16: UInt16(clamping: set.range.upperBound))
      } else {
        data.add(Attribute.address) { add(set.range.lowerBound, .ipv4, to: &$0) }
        data.add(Attribute.lastAddress) { add(min(set.range.upperBound, 0xFFFF_FFFF), .ipv4, to: &$0) }
      }
      addMask(of: set, to: &data)
    default:
      if let size = set.size { data.add(Attribute.hashSize | Attribute.network, network32: size) }
      data.add(Attribute.capacity | Attribute.network, network32: UInt32(clamping: set.capacity))
      if set.markMask != .max { data.add(Attribute.markMask | Attribute.network, network32: set.markMask) }
      addMask(of: set, to: &data)
    }
  }

  private static func addMask(of set: AddressSet, to data: inout NetlinkMessage) {
    guard set.mask != .max, let family = set.family else { return }
    if let length = (0...family.addressBits).first(where: { AddressMask.mask(prefix: $0, family) == set.mask }) {
      data.add(Attribute.netMask, [UInt8(length)])
    } else {
      data.add(Attribute.bitMask) { add(set.mask, family, to: &$0) }
    }
  }

  private static func add(_ bits: UInt128, _ family: Family, to data: inout NetlinkMessage) {
    var bytes: [UInt8] = []
    if family == .ipv4 { bytes.appendUInt32(UInt32(truncatingIfNeeded: bits)) } else { bytes.appendUInt128(bits) }
    data.add((family == .ipv4 ? 1 : 2) | Attribute.network, bytes)
  }

  // MARK: Elements

  private func member(_ member: AddressSet.Member, of set: AddressSet) -> NetlinkMessage {
    var message = KernelSets.message(Message.add, name: set.name)
    message.add(Attribute.data) { data in
      data.add(Attribute.member, text: member.name)
      addExtensions(of: set, member.entry, to: &data)
      if set.keepsComments, let comment = set.comments[[.set(member.name)]] { data.add(Attribute.comment, text: comment) }
    }
    return message
  }

  private func element(of set: AddressSet, _ values: [AddressSetValue], _ entry: AddressSet.Entry) -> NetlinkMessage {
    var message = KernelSets.message(Message.add, name: set.name)
    message.add(Attribute.data) { data in
      var flags: UInt32 = (entry.isException ? Flag.isException : 0) | (entry.isWildcard ? Flag.isWildcard : 0)
      var addressCount = 0
      for (value, dimension) in zip(values, set.type.dimensions) {
        switch value {
        case .network(let bits, let prefix):
          data.add(addressCount == 0 ? Attribute.address : Attribute.secondAddress) { KernelSets.add(bits, set.family ?? .ipv4, to: &$0) }
          if dimension == .network { data.add(addressCount == 0 ? Attribute.prefix : Attribute.secondPrefix, [UInt8(prefix)]) }
          addressCount += 1
        case .port(let proto, let number):
          data.add(Attribute.port | Attribute.network, network16: number)
          if set.type.method != "bitmap" { data.add(Attribute.proto, [proto]) }
        case .hardwareAddress(let address): data.add(Attribute.hardwareAddress, MACAddress(rawValue: address).octets)
        case .interface(let name):
          let isPhysical = name.hasPrefix("physdev:")
          if isPhysical { flags |= Flag.physicalDevice }
          data.add(Attribute.interface, text: String(isPhysical ? name.dropFirst("physdev:".count) : name[...]))
        case .mark(let mark): data.add(Attribute.mark | Attribute.network, network32: mark)
        case .set(let name): data.add(Attribute.member, text: name)
        }
      }
      addExtensions(of: set, entry, to: &data)
      if set.keepsComments, let comment = set.comments[values] { data.add(Attribute.comment, text: comment) }
      if flags != 0 { data.add(Attribute.flags | Attribute.network, network32: flags) }
    }
    return message
  }

  private func addExtensions(of set: AddressSet, _ entry: AddressSet.Entry, to data: inout NetlinkMessage) {
    if set.timeout != nil {
      // A timeout of 0 means unlimited.
      data.add(Attribute.timeout | Attribute.network, network32: UInt32(clamping: entry.secondsLeft(now)))
    }
    if set.countsPackets {
      data.add(Attribute.packetCount | Attribute.network, KernelSets.network64(entry.packets))
      data.add(Attribute.byteCount | Attribute.network, KernelSets.network64(entry.bytes))
    }
    if set.carriesPacketInfo {
      data.add(Attribute.packetMark | Attribute.network, KernelSets.network64(UInt64(entry.mark) << 32 | UInt64(entry.markMask)))
      data.add(Attribute.priority | Attribute.network, network32: entry.priority)
      data.add(Attribute.queue | Attribute.network, network16: entry.queue)
    }
  }

  private static func network64(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendUInt32(UInt32(value >> 32))
    bytes.appendUInt32(UInt32(truncatingIfNeeded: value))
    return bytes
  }
}
