public import Wire
public import XTables

/// A socket of this host that packets can be delivered to.
public struct HostSocket: Sendable, Hashable {
  public var name: String
  public var proto: IPProtocol
  public var port: UInt16
  /// The address it is bound to; any when nil.
  public var address: IPAddress?
  public var facts: SocketFacts

  public init(name: String, proto: IPProtocol, port: UInt16, address: IPAddress? = nil, facts: SocketFacts = SocketFacts()) {
    self.name = name
    self.proto = proto
    self.port = port
    self.address = address
    self.facts = facts
    self.facts.isWildcard = address == nil || address?.bits == 0
  }
}

/// What a socket met.
public enum SocketEvent: Sendable, Hashable {
  /// An end of a connection.
  public struct End: Sendable, Hashable {
    public let address: IPAddress
    public let port: UInt16

    public init(_ address: IPAddress, _ port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// A connection was accepted. `originalDestination` is what `SO_ORIGINAL_DST` gives; `name` is what the connection is called.
  case accepted(socket: String, from: End, local: End, originalDestination: End?, name: String)
  /// Bytes came; `from` is nil on a connection.
  case received(socket: String, data: [UInt8], from: End?)
  case closed(socket: String)
  case failed(socket: String, error: SendError)
}

/// An error a process gets from the kernel, by its name.
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
  case noSuchSocket = "ENOENT"
  case destinationRequired = "EDESTADDRREQ"
}

extension Host {
  public func socket(for packet: Packet, _ input: Interface?) -> SocketAnswer {
    guard let at = packet.transport, at.proto.hasPorts, at.fragmentOffset == 0, let destination = packet.destination,
      let port = packet.bytes.uint16(at: at.offset &+ 2)
    else { return .none }
    return listener(at.proto, destination, port).map { .socket($0.facts) } ?? .none
  }

  /// The socket bound most closely to an address and port.
  func listener(_ proto: IPProtocol, _ address: IPAddress, _ port: UInt16) -> HostSocket? {
    let fitting = sockets.filter { $0.proto == proto && $0.port == port && $0.hears(address) }
    return fitting.first { $0.address == address } ?? fitting.first
  }
}

extension HostSocket {
  /// Whether packets to an address are for it: one bound to `::` hears IPv4 too. Kernel: `net.ipv6.bindv6only` off.
  fileprivate func hears(_ destination: IPAddress) -> Bool {
    guard let address else { return true }
    if address.bits == 0 { return address.family == .ipv6 || destination.family == .ipv4 }
    return address == destination
  }
}
