public import Wire
public import XTables

/// A socket of this host that can receive packets.
public struct HostSocket: Sendable, Hashable {
  /// The name that reports use for the socket.
  public var name: String
  /// TCP, UDP or another protocol with ports.
  public var proto: IPProtocol
  /// The local port.
  public var port: UInt16
  /// The address that the socket is bound to; nil for any address.
  public var address: IPAddress?
  /// The interface that the socket is bound to (`SO_BINDTODEVICE`), by name; nil for any.
  public var device: String?
  /// True if a socket bound to `::` receives no IPv4 (`IPV6_V6ONLY`).
  public var isIPv6Only = false
  /// What matches such as `-m owner` and `-m socket` can read from the socket.
  public var facts: SocketFacts

  /// Creates a socket that listens on a port.
  public init(name: String, proto: IPProtocol, port: UInt16, address: IPAddress? = nil, facts: SocketFacts = SocketFacts()) {
    self.name = name
    self.proto = proto
    self.port = port
    self.address = address
    self.facts = facts
    self.facts.isWildcard = address == nil || address?.bits == 0
  }
}

extension IPAddress {
  /// The IPv4 address that an address of a socket stands for (`::ffff:10.0.0.1`), or the address itself.
  package init(unmapped address: IPAddress) {
    self = address.bits >> 32 == 0xFFFF && address.family == .ipv6 ? IPAddress(family: .ipv4, bits: address.bits & 0xFFFF_FFFF) : address
  }
}

/// An event at a socket.
public enum SocketEvent: Sendable, Hashable {
  /// One end of a connection.
  public struct End: Sendable, Hashable {
    /// The address of the end.
    public let address: IPAddress
    /// The port of the end.
    public let port: UInt16

    /// Creates an end from its address and port.
    public init(_ address: IPAddress, _ port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// A connection was accepted. `originalDestination` is the result of `SO_ORIGINAL_DST`; `name` identifies the connection in reports.
  case accepted(socket: String, from: End, local: End, originalDestination: End?, name: String)
  /// Data arrived; `from` is nil on a connection.
  case received(socket: String, data: [UInt8], from: End?)
  case closed(socket: String)
  case failed(socket: String, error: SendError)
}

/// An error that a sending process gets from the kernel. Raw values are the symbols of `errno`.
public enum SendError: String, Sendable, Hashable {
  case notPermitted = "EPERM"
  case networkUnreachable = "ENETUNREACH"
  case hostUnreachable = "EHOSTUNREACH"
  case accessDenied = "EACCES"
  case invalid = "EINVAL"
  case messageTooLong = "EMSGSIZE"
  case connectionRefused = "ECONNREFUSED"
  case connectionReset = "ECONNRESET"
  case brokenPipe = "EPIPE"
  case timedOut = "ETIMEDOUT"
  case addressNotAvailable = "EADDRNOTAVAIL"
  case noSuchDevice = "ENODEV"
  case protocolError = "EPROTO"
  case noProtocolOption = "ENOPROTOOPT"
  case notSupported = "EOPNOTSUPP"
  case hostDown = "EHOSTDOWN"
  case noNetwork = "ENONET"
  case noSuchSocket = "ENOENT"
  case destinationRequired = "EDESTADDRREQ"
  case wouldBlock = "EAGAIN"
}

extension Host {
  /// The socket that would receive a packet. Kernel: `nf_sk_lookup_slow_v4`, `nf_sk_lookup_slow_v6`.
  public func socket(for packet: Packet, _ input: Interface?) -> SocketAnswer {
    guard let at = packet.transport, at.proto.hasPorts, at.fragmentOffset == 0, let destination = packet.destination,
      let port = packet.bytes.uint16(at: at.offset &+ 2)
    else { return .none }
    if let open = openSocket?(packet) { return .socket(open) }
    return listener(at.proto, destination, port, on: input).map { .socket($0.facts) } ?? (missing.contains(.sockets) ? .unknown : .none)
  }

  /// The socket with the most specific binding to an address, port and interface: one bound to the address comes first, then one bound to the
  /// interface.
  ///
  /// The corresponding kernel functions are `inet_lhash2_lookup`, `udp4_lib_lookup2` and `compute_score`.
  ///
  /// - Parameter input: the interface on which the packet arrived.
  func listener(_ proto: IPProtocol, _ address: IPAddress, _ port: UInt16, on input: Interface?) -> HostSocket? {
    let name = input.map { self.name(of: $0) }
    let fitting = sockets.filter {
      $0.proto == proto && $0.port == port && $0.hears(address) && ($0.device == nil || $0.device == name)
    }
    let here = fitting.contains { $0.address == address } ? fitting.filter { $0.address == address } : fitting
    return here.first { $0.device != nil } ?? here.first
  }
}

extension HostSocket {
  /// True if the socket receives packets for an address. A socket bound to `::` receives IPv4 too, unless it is for IPv6 only.
  fileprivate func hears(_ destination: IPAddress) -> Bool {
    guard let address else { return true }
    if address.bits == 0 { return destination.family == address.family || address.family == .ipv6 && !isIPv6Only }
    return address == destination
  }
}
