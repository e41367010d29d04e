internal import CNetfilter
internal import Glibc

/// A server on 127.0.0.1 for one request on each connection. One thread serves all connections, so that what answers needs no locks.
public final class LoopbackServer {
  /// The greatest number of open connections. The oldest is closed for a new one.
  public static let mostConnections = 32
  /// The seconds after which a connection is closed.
  public static let patience = 20

  private struct Connection {
    let socket: FileDescriptor
    var input: [UInt8] = []
    var output: [UInt8] = []
    var sent = 0
    var isAnswered = false
    let end: ContinuousClock.Instant
  }

  private let socket: FileDescriptor
  private var connections: [Connection] = []
  /// The port on which the server listens.
  public let port: UInt16

  /// Opens the port.
  ///
  /// - Parameter port: 0 for any free port.
  /// - Throws: `KernelError` if the port is in use.
  public init(port: UInt16) throws(KernelError) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = Glibc.socket(AF_INET, kind, 0)
    guard number >= 0 else { throw .call("socket") }
    socket = FileDescriptor(number)
    var one: Int32 = 1
    _ = unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let place = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
      return unsafe bind(number, place, length) == 0 && listen(number, 16) == 0 && getsockname(number, place, &length) == 0
    }
    guard isBound else { throw .call("listening on 127.0.0.1 port \(port)") }
    self.port = UInt16(bigEndian: address.sin_port)
  }

  /// Serves without end.
  ///
  /// - Parameter answer: given all bytes that have arrived on a connection, returns the answer, after which the connection is closed; nil if more
  ///   bytes are needed.
  public func serve(_ answer: ([UInt8]) -> [UInt8]?) -> Never {
    while true { step(answer) }
  }

  private func step(_ answer: ([UInt8]) -> [UInt8]?) {
    var places = [pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)]
    places += connections.map { pollfd(fd: $0.socket.number, events: Int16($0.isAnswered ? POLLOUT : POLLIN), revents: 0) }
    guard unsafe poll(&places, nfds_t(places.count), connections.isEmpty ? -1 : 1000) >= 0 else { return }
    for index in connections.indices.reversed() {
      let isReady = places[index + 1].revents != 0
      let isOpen = !isReady || (connections[index].isAnswered ? send(index) : receive(index, answer))
      if !isOpen || connections[index].end < .now { connections.remove(at: index) }
    }
    if places[0].revents != 0 { accept() }
  }

  private func accept() {
    let number = Glibc.accept(socket.number, nil, nil)
    guard number >= 0 else { return }
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    _ = fcntl(number, F_SETFL, O_NONBLOCK)
    if connections.count == Self.mostConnections { connections.removeFirst() }
    connections.append(Connection(socket: FileDescriptor(number), end: .now + .seconds(Self.patience)))
  }

  /// Reads what has arrived; false if the connection is to be closed.
  private func receive(_ index: Int, _ answer: ([UInt8]) -> [UInt8]?) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(connections[index].socket.number, $0.baseAddress, $0.count, 0) }
    if count < 0 { return errno == EAGAIN || errno == EINTR }
    guard count > 0 else { return false }
    connections[index].input += buffer[..<count]
    guard let output = answer(connections[index].input) else { return true }
    connections[index].output = output
    connections[index].isAnswered = true
    return send(index)
  }

  /// Writes as much as the peer takes; false at the end.
  private func send(_ index: Int) -> Bool {
    let connection = connections[index]
    let count = unsafe connection.output[connection.sent...].withUnsafeBytes {
      unsafe Glibc.send(connection.socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    if count < 0 { return errno == EAGAIN || errno == EINTR }
    connections[index].sent += count
    guard connections[index].sent == connection.output.count else { return true }
    shutdown(connection.socket.number, Int32(SHUT_WR))
    return false
  }
}
