internal import CLinux
internal import CNetfilter
internal import Glibc
package import Wire

/// A non-blocking socket in the calling thread's network namespace.
package struct NamespaceSocket {
  package enum Kind: Sendable {
    case tcp, udp
    /// Raw packets with their IP headers.
    case raw
    /// ICMP echo requests; the kernel chooses the identifier (`IPPROTO_ICMP`).
    case ping
  }

  /// The user and groups that own a socket.
  package struct Owner: Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
      self.uid = uid
      self.gid = gid
      self.groups = groups
    }
  }

  private let file: FileDescriptor
  /// The owner of the connections that it accepts: `-m owner` tests the process that accepts, not the one that listens.
  private let owner: Owner?
  package let family: Family
  package let kind: Kind

  /// Opens a socket, owned by another user if `owner` is given. The thread takes that user's file system ids while it opens the socket,
  /// because `-m owner` tests those. It keeps all its capabilities.
  package init(_ kind: Kind, _ family: Family, owner: Owner? = nil) throws(KernelError) {
    let domain = family == .ipv4 ? AF_INET : AF_INET6
    let (type, proto): (Int32, Int32) =
      switch kind {
      case .tcp: (Int32(SOCK_STREAM.rawValue), Int32(IPPROTO_TCP))
      case .udp: (Int32(SOCK_DGRAM.rawValue), Int32(IPPROTO_UDP))
      case .raw: (Int32(SOCK_RAW.rawValue), Int32(IPPROTO_RAW))
      case .ping: (Int32(SOCK_DGRAM.rawValue), family == .ipv4 ? Int32(IPPROTO_ICMP) : Int32(IPPROTO_ICMPV6))
      }
    let change = try owner.map { owner throws(KernelError) in try OwnerChange(owner) }
    let number = socket(domain, type | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), proto)
    let error = SystemError.last
    change?.undo()
    guard number >= 0 else { throw .call("opening a socket", error) }
    file = FileDescriptor(number)
    self.owner = owner
    self.family = family
    self.kind = kind
  }

  private init(accepted number: Int32, _ family: Family) {
    file = FileDescriptor(number)
    owner = nil
    self.family = family
    kind = .tcp
  }

  package var descriptor: Int32 { file.number }

  // MARK: Options

  package enum Option: Sendable {
    case mark, priority, reuseAddress, broadcast, transparent, lingerZero
    /// Accepts no IPv4 on an IPv6 socket (`IPV6_V6ONLY`).
    case ownFamilyOnly

    fileprivate func number(_ family: Family) -> (level: Int32, name: Int32) {
      switch self {
      case .mark: (SOL_SOCKET, SO_MARK)
      case .priority: (SOL_SOCKET, SO_PRIORITY)
      case .reuseAddress: (SOL_SOCKET, SO_REUSEADDR)
      case .broadcast: (SOL_SOCKET, SO_BROADCAST)
      case .transparent: family == .ipv4 ? (Int32(IPPROTO_IP), 19) : (Int32(IPPROTO_IPV6), 75)
      case .lingerZero: (SOL_SOCKET, SO_LINGER)
      case .ownFamilyOnly: (Int32(IPPROTO_IPV6), IPV6_V6ONLY)
      }
    }
  }

  package func set(_ option: Option, _ value: UInt32 = 1) throws(KernelError) {
    var bytes: [UInt8] = []
    bytes.appendHostWord(value)
    if option == .lingerZero { bytes.appendHostWord(UInt32(0)) }
    let (level, name) = option.number(family)
    guard unsafe setsockopt(file.number, level, name, &bytes, socklen_t(bytes.count)) == 0 else { throw .call("setting \(option)") }
  }

  package func bind(toDevice name: String) throws(KernelError) {
    guard unsafe setsockopt(file.number, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count)) == 0 else {
      throw .call("binding to \(name)")
    }
  }

  /// The destination of a connection before translation (`SO_ORIGINAL_DST`); nil if conntrack does not know the connection.
  package var originalDestination: (IPAddress, UInt16)? {
    var bytes = [UInt8](repeating: 0, count: 28)
    var length = socklen_t(bytes.count)
    let level = family == .ipv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6)
    guard unsafe getsockopt(file.number, level, 80, &bytes, &length) == 0 else { return nil }
    return NamespaceSocket.end(bytes)
  }

  // MARK: Ends

  private static func address(_ address: IPAddress, _ port: UInt16) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendHostWord(UInt16(address.family == .ipv4 ? AF_INET : AF_INET6))
    bytes.appendUInt16(port)
    switch address {
    case .v4(let four):
      bytes.appendUInt32(four.rawValue)
      bytes += [UInt8](repeating: 0, count: 8)
    case .v6(let six):
      bytes.appendUInt32(0)
      bytes.appendUInt128(six.rawValue)
      bytes.appendUInt32(0)
    }
    return bytes
  }

  private static func end(_ bytes: [UInt8]) -> (IPAddress, UInt16)? {
    guard let family = bytes.hostWord(UInt16.self, at: 0), let port = bytes.uint16(at: 2) else { return nil }
    switch Int32(family) {
    case AF_INET: return bytes.uint32(at: 4).map { (.v4(IPv4Address(rawValue: $0)), port) }
    case AF_INET6: return bytes.uint128(at: 8).map { (.v6(IPv6Address(rawValue: $0)), port) }
    default: return nil
    }
  }

  package func bind(_ address: IPAddress, port: UInt16) throws(KernelError) {
    let bytes = NamespaceSocket.address(address, port)
    let result = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.bind(file.number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else { throw .call("binding to \(address) port \(port)") }
  }

  package func listen() throws(KernelError) {
    guard Glibc.listen(file.number, 16) == 0 else { throw .call("listening") }
  }

  /// Begins a connection. Returns the error if it fails at once.
  package func connect(_ address: IPAddress, port: UInt16) -> SystemError? {
    let bytes = NamespaceSocket.address(address, port)
    let result = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.connect(file.number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    let error = SystemError.last
    return result == 0 || error.number == EINPROGRESS ? nil : error
  }

  /// The next connection that waits to be accepted, or nil.
  package func accept() -> (NamespaceSocket, from: (IPAddress, UInt16))? {
    var bytes = [UInt8](repeating: 0, count: 28)
    var length = socklen_t(bytes.count)
    let change = owner.flatMap { try? OwnerChange($0) }
    let number = unsafe bytes.withUnsafeMutableBytes {
      unsafe Glibc.accept(file.number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
    }
    change?.undo()
    guard number >= 0 else { return nil }
    let connection = NamespaceSocket(accepted: number, family)
    _ = fcntl(number, F_SETFL, O_NONBLOCK)
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    guard let from = NamespaceSocket.end(bytes) else { return nil }
    return (connection, from)
  }

  package var localEnd: (IPAddress, UInt16)? {
    var bytes = [UInt8](repeating: 0, count: 28)
    var length = socklen_t(bytes.count)
    let result = unsafe bytes.withUnsafeMutableBytes {
      unsafe getsockname(file.number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
    }
    return result == 0 ? NamespaceSocket.end(bytes) : nil
  }

  // MARK: Data

  /// Sends data, to an address if one is given. Returns the error if it fails.
  package func send(_ data: [UInt8], to end: (IPAddress, UInt16)? = nil) -> SystemError? {
    let address = end.map { NamespaceSocket.address($0.0, $0.1) } ?? []
    let count = unsafe data.withUnsafeBytes { bytes in
      unsafe address.withUnsafeBytes { to in
        unsafe sendto(
          file.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL),
          to.isEmpty ? nil : to.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(to.count))
      }
    }
    return count < 0 ? .last : nil
  }

  package enum Received: Sendable {
    case data([UInt8], from: (IPAddress, UInt16)?)
    case end
    case failed(SystemError)
  }

  /// The next data to read, or nil if there is none.
  package func receive() -> Received? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var bytes = [UInt8](repeating: 0, count: 28)
    var length = socklen_t(bytes.count)
    let count = unsafe buffer.withUnsafeMutableBytes { data in
      unsafe bytes.withUnsafeMutableBytes {
        unsafe recvfrom(file.number, data.baseAddress, data.count, 0, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
      }
    }
    if count < 0 {
      let error = SystemError.last
      return error.number == EAGAIN || error.number == ENOTCONN || error.number == EINTR ? nil : .failed(error)
    }
    if count == 0, kind == .tcp { return .end }
    return .data(Array(buffer[..<count]), from: length > 0 ? NamespaceSocket.end(bytes) : nil)
  }
}

/// Makes the calling thread another user until `undo()`. Only the file system ids change, so the thread keeps its capabilities.
private struct OwnerChange {
  private let uid: Int32
  private let gid: Int32
  private let groups: [UInt32]

  /// Throws if the user does not exist here: a user namespace maps only its creator and permits no groups.
  init(_ owner: NamespaceSocket.Owner) throws(KernelError) {
    var earlier = [gid_t](repeating: 0, count: 256)
    let count = unsafe getgroups(Int32(earlier.count), &earlier)
    groups = Array(earlier.prefix(Int(max(count, 0))))
    let hasGroups = OwnerChange.setGroups(owner.groups) || owner.groups.isEmpty
    gid = setfsgid(owner.gid)
    uid = setfsuid(owner.uid)
    // setfsuid(2) and setfsgid(2) report no errors. Passing an unused id changes nothing and returns the current id.
    let nobody = UInt32.max
    guard hasGroups, setfsuid(nobody) == Int32(bitPattern: owner.uid), setfsgid(nobody) == Int32(bitPattern: owner.gid) else {
      undo()
      throw KernelError(.malformed("sending a packet as user \(owner.uid), group \(owner.gid) needs root"))
    }
  }

  func undo() {
    setfsuid(UInt32(bitPattern: uid))
    setfsgid(UInt32(bitPattern: gid))
    OwnerChange.setGroups(groups)
  }

  @discardableResult
  private static func setGroups(_ groups: [UInt32]) -> Bool {
    unsafe groups.withUnsafeBufferPointer { unsafe ferrule_thread_setgroups($0.baseAddress, $0.count) } == 0
  }
}
