internal import Kernel
internal import Wire
internal import XTables

/// Creates a scenario's sets over nfnetlink, in the calling thread's network namespace. Kernel: `ip_set_core.c`.
struct LabSets {
  private var socket: NetlinkSocket
  /// The time from which element timeouts are computed, in nanoseconds.
  private let now: UInt64

  private enum Message {
    static let subsystem: UInt8 = 6, create: UInt8 = 2, add: UInt8 = 9, type: UInt8 = 13
    static let version: UInt8 = 7
  }

  /// `IPSET_ATTR_*` numbers: of messages; of sets and elements; of sets; of elements.
  private enum Attribute {
    static let version: UInt16 = 1, name: UInt16 = 2, type: UInt16 = 3, revision: UInt16 = 4, family: UInt16 = 5, data: UInt16 = 7
    static let address: UInt16 = 1, lastAddress: UInt16 = 2, prefix: UInt16 = 3, port: UInt16 = 4, lastPort: UInt16 = 5, timeout: UInt16 = 6
    static let proto: UInt16 = 7, flags: UInt16 = 8, mark: UInt16 = 10, markMask: UInt16 = 11, bitMask: UInt16 = 12
    static let capacity: UInt16 = 19, netMask: UInt16 = 20, size: UInt16 = 23
    static let hardwareAddress: UInt16 = 17, member: UInt16 = 18, secondAddress: UInt16 = 20, secondPrefix: UInt16 = 21
    static let interface: UInt16 = 23, byteCount: UInt16 = 24, packetCount: UInt16 = 25, packetMark: UInt16 = 27, priority: UInt16 = 28
    static let queue: UInt16 = 29
    /// The flag for numbers in network byte order.
    static let network: UInt16 = 0x4000
  }

  /// `IPSET_FLAG_*`.
  private enum Flag {
    static let physicalDevice: UInt32 = 2, isException: UInt32 = 4, withCounters: UInt32 = 8, withForcedAdding: UInt32 = 32
    static let withPacketInfo: UInt32 = 64, isWildcard: UInt32 = 128
  }

  /// The number of elements sent in one datagram.
  private static let batch = 100

  init(now: UInt64) throws(KernelError) {
    socket = try NetlinkSocket(.netfilter)
    self.now = now
  }

  /// Creates the sets in order, so that they get the indices with which rules were compiled.
  mutating func make(_ sets: [AddressSet]) throws(KernelError) {
    for set in sets { try make(set) }
    for set in sets {
      var messages = set.elements.map { element(of: set, $0.values, $0.entry) } + set.members.map { self.member($0, of: set) }
      while !messages.isEmpty {
        try socket.request(Array(messages.prefix(LabSets.batch)), what: "ipset: adding to \(set.name)")
        messages.removeFirst(min(LabSets.batch, messages.count))
      }
    }
  }

  private static func message(_ command: UInt8, flags: UInt16 = 0, name: String?) -> NetlinkMessage {
    var message = NetlinkMessage(subsystem: Message.subsystem, command, flags: flags, family: Family.ipv4.rawValue)
    message.add(Attribute.version, [Message.version])
    if let name { message.add(Attribute.name, text: name) }
    return message
  }

  // MARK: Sets

  private mutating func make(_ set: AddressSet) throws(KernelError) {
    let family = set.family?.rawValue ?? 0
    var question = LabSets.message(Message.type, name: nil)
    question.add(Attribute.type, text: set.type.name)
    question.add(Attribute.family, [family])
    guard let revision = try? socket.get(question, what: "ipset")?.attributes(from: 4).uint8(Attribute.revision) else {
      throw KernelError(.malformed("ipset: the kernel does not support sets of type \(set.type.name)"))
    }
    var message = LabSets.message(
      Message.create, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.excluding, name: set.name)
    message.add(Attribute.type, text: set.type.name)
    message.add(Attribute.revision, [revision])
    message.add(Attribute.family, [family])
    message.add(Attribute.data) { LabSets.describe(set, in: &$0) }
    try socket.request([message], what: "ipset: creating \(set.name)")
  }

  private static func describe(_ set: AddressSet, in data: inout NetlinkMessage) {
    if let timeout = set.timeout { data.add(Attribute.timeout | Attribute.network, network32: timeout) }
    var flags: UInt32 = 0
    if set.countsPackets { flags |= Flag.withCounters }
    if set.carriesPacketInfo { flags |= Flag.withPacketInfo }
    if set.forcesAdding { flags |= Flag.withForcedAdding }
    if flags != 0 { data.add(Attribute.flags | Attribute.network, network32: flags) }
    switch set.type.method {
    case "list": data.add(Attribute.size | Attribute.network, network32: UInt32(clamping: max(8, set.members.count)))
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
    var message = LabSets.message(Message.add, name: set.name)
    message.add(Attribute.data) { data in
      data.add(Attribute.member, text: member.name)
      addExtensions(of: set, member.entry, to: &data)
    }
    return message
  }

  private func element(of set: AddressSet, _ values: [AddressSetValue], _ entry: AddressSet.Entry) -> NetlinkMessage {
    var message = LabSets.message(Message.add, name: set.name)
    message.add(Attribute.data) { data in
      var flags: UInt32 = (entry.isException ? Flag.isException : 0) | (entry.isWildcard ? Flag.isWildcard : 0)
      var addressCount = 0
      for (value, dimension) in zip(values, set.type.dimensions) {
        switch value {
        case .network(let bits, let prefix):
          data.add(addressCount == 0 ? Attribute.address : Attribute.secondAddress) { LabSets.add(bits, set.family ?? .ipv4, to: &$0) }
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
      if flags != 0 { data.add(Attribute.flags | Attribute.network, network32: flags) }
    }
    return message
  }

  private func addExtensions(of set: AddressSet, _ entry: AddressSet.Entry, to data: inout NetlinkMessage) {
    if set.timeout != nil {
      // A timeout of 0 means unlimited.
      let seconds = entry.expires.map { max(1, ($0 &- now) / 1_000_000_000) } ?? 0
      data.add(Attribute.timeout | Attribute.network, network32: UInt32(clamping: seconds))
    }
    if set.countsPackets {
      data.add(Attribute.packetCount | Attribute.network, LabSets.network64(entry.packets))
      data.add(Attribute.byteCount | Attribute.network, LabSets.network64(entry.bytes))
    }
    if set.carriesPacketInfo {
      data.add(Attribute.packetMark | Attribute.network, LabSets.network64(UInt64(entry.mark) << 32 | UInt64(entry.markMask)))
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
