internal import CLinux
internal import CNetfilter
internal import Glibc
package import Wire

/// Configures interfaces, their addresses and their queues through rtnetlink, in the calling thread's network namespace.
package struct HostInterfaces {
  private var socket: NetlinkSocket

  package init() throws(KernelError) { socket = try NetlinkSocket(.route) }

  /// The index of an interface; nil if no interface has the name.
  package static func index(of name: String) -> UInt32? {
    let index = unsafe if_nametoindex(name)
    return index == 0 ? nil : index
  }

  /// The name of an interface; nil if no interface has the index.
  static func name(of index: UInt32) -> String? {
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard unsafe if_indextoname(index, &name) != nil else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The names of all interfaces, by index.
  package static func names() -> [UInt32: String] {
    guard let list = unsafe if_nameindex() else { return [:] }
    defer { unsafe if_freenameindex(list) }
    var names: [UInt32: String] = [:]
    var at = unsafe list
    while let name = unsafe at.pointee.if_name {
      unsafe names[at.pointee.if_index] = String(cString: name)
      unsafe at += 1
    }
    return names
  }

  /// An `RTM_NEWLINK` message: `ifinfomsg`, then attributes.
  private func link(_ index: UInt32, flags: UInt32, change: UInt32) -> NetlinkMessage {
    var message = NetlinkMessage(type: UInt16(RTM_NEWLINK), body: [0, 0, 0, 0])
    for word in [index, flags, change] { message.body.appendHostWord(word) }
    return message
  }

  /// Brings an interface up.
  package mutating func bringUp(_ index: UInt32) throws(KernelError) {
    try socket.request([link(index, flags: UInt32(IFF_UP), change: UInt32(IFF_UP))], what: "bringing an interface up")
  }

  /// Brings up an interface without neighbour resolution, with the given hardware address and without a queue, so that packets have left
  /// when the sender's call returns. Without multicast the host joins no IPv6 groups: it would send membership reports at
  /// unpredictable times.
  package mutating func bringUpDirect(_ index: UInt32, hardwareAddress: [UInt8], isMulticast: Bool) throws(KernelError) {
    let bits = UInt32(IFF_UP) | UInt32(IFF_NOARP)
    let change = bits | (isMulticast ? 0 : UInt32(IFF_MULTICAST))
    var address = link(index, flags: 0, change: 0)
    address.add(1, hardwareAddress)
    var discipline = NetlinkMessage(
      type: UInt16(RTM_NEWQDISC), flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.replace, body: [0, 0, 0, 0])
    for word in [index, 0, 0xFFFF_FFFF, 0] { discipline.body.appendHostWord(word) }
    discipline.add(1, text: "noqueue")
    try socket.request([address], what: "setting a hardware address")
    try socket.request([discipline], what: "removing an interface's queueing discipline")
    try socket.request([link(index, flags: bits, change: change)], what: "bringing an interface up")
  }

  /// Adds an address with its prefix and, for IPv4, the broadcast address of the prefix. IPv6 addresses are usable at once: duplicate
  /// address detection is off.
  ///
  /// - Parameter peer: the other end of a point-to-point link, whose prefix it then is; such an address has no broadcast address.
  package mutating func add(_ address: IPAddress, prefixLength: Int, peer: IPAddress?, to index: UInt32) throws(KernelError) {
    let isFour = address.family == .ipv4
    let noDuplicateDetection: UInt8 = 0x02
    var message = NetlinkMessage(
      type: UInt16(RTM_NEWADDR), flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.replace,
      body: [UInt8(isFour ? AF_INET : AF_INET6), UInt8(clamping: prefixLength), isFour ? 0 : noDuplicateDetection, 0])
    message.body.appendHostWord(index)
    for (attribute, value) in [(2, address), (1, peer ?? address)] as [(UInt16, IPAddress)] {
      var bytes: [UInt8] = []
      if isFour { bytes.appendUInt32(UInt32(truncatingIfNeeded: value.bits)) } else { bytes.appendUInt128(value.bits) }
      message.add(attribute, bytes)
    }
    if isFour, peer == nil, prefixLength < 31 {
      var broadcast: [UInt8] = []
      broadcast.appendUInt32(UInt32(truncatingIfNeeded: address.bits) | (UInt32.max >> UInt32(max(prefixLength, 0))))
      message.add(4, broadcast)
    }
    try socket.request([message], what: "adding address \(address)")
  }
}
