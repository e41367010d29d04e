import Wire

/// Flows between clients in 10.0.0.0/8 and a server at 198.51.100.9:443, which may be known to them as another: the same packets are made
/// over and over in place.
public struct Traffic {
  /// From the client, with 64 bytes of payload.
  public var request: Packet
  /// From the server, without payload.
  public var answer: Packet
  /// A UDP datagram from the client, with 64 bytes of payload.
  public var datagram: Packet
  private var sequences: [UInt32]

  /// What clients call the server.
  private let target: UInt32

  private static let server = IPv4Address(198, 51, 100, 9)
  private static let network = IPv4Address(10, 0, 0, 0).rawValue
  /// Flows of one client's address.
  private static let flowsOfClient = 30_000

  /// - Parameters:
  ///   - count: the number of flows.
  ///   - target: what clients call the server, if not by its own address.
  public init(flows count: Int, target: IPv4Address? = nil) throws {
    self.target = (target ?? Traffic.server).rawValue
    let client = IPAddress.v4(IPv4Address(rawValue: Traffic.network))
    var fields = PacketFields(client, .v4(Traffic.server), proto: .tcp)
    fields.destinationPort = 443
    fields.tcpFlags = [.psh, .ack]
    fields.payload = [UInt8](repeating: 0x61, count: 64)
    request = try fields.packet()
    fields.proto = .udp
    datagram = try fields.packet()
    fields = PacketFields(.v4(Traffic.server), client, proto: .tcp)
    fields.sourcePort = 443
    fields.tcpFlags = .ack
    answer = try fields.packet()
    sequences = [UInt32](repeating: 1000, count: count)
  }

  private static func address(_ flow: Int) -> UInt32 { network + 2 + UInt32(flow / flowsOfClient) }
  private static func port(_ flow: Int) -> UInt16 { UInt16(1024 + flow % flowsOfClient) }

  /// Makes `request` the next segment of a flow, or its first.
  public mutating func makeRequest(_ flow: Int, flags: TCPFlags = [.psh, .ack]) {
    request.ready(source: Traffic.address(flow), destination: target)
    request.set(16, Traffic.port(flow), at: 20, sum: 36)
    let isSyn = flags.contains(.syn)
    request.set(32, isSyn ? sequences[flow] &- 65 : sequences[flow], at: 24, sum: 36)
    request.set(32, isSyn ? 0 : 5001, at: 28, sum: 36)
    request.set(16, 0x5000 | UInt16(flags.rawValue), at: 32, sum: 36)
    if !isSyn { sequences[flow] &+= 64 }
  }

  /// Makes `answer` what acknowledges all requests of a flow so far.
  public mutating func makeAnswer(_ flow: Int, flags: TCPFlags = .ack) {
    answer.ready(source: Traffic.server.rawValue, destination: Traffic.address(flow))
    answer.set(16, Traffic.port(flow), at: 22, sum: 36)
    answer.set(32, flags.contains(.syn) ? UInt32(5000) : 5001, at: 24, sum: 36)
    answer.set(32, sequences[flow], at: 28, sum: 36)
    answer.set(16, 0x5000 | UInt16(flags.rawValue), at: 32, sum: 36)
  }

  /// Makes `datagram` one of a flow.
  public mutating func makeDatagram(_ flow: Int) {
    datagram.ready(source: Traffic.address(flow), destination: target)
    datagram.set(16, Traffic.port(flow), at: 20, sum: 26)
  }
}

extension Packet {
  /// Gives a packet that has been forwarded its lifetime back, and its addresses, with both checksums right.
  fileprivate mutating func ready(source: UInt32, destination: UInt32) {
    setTTL(64)
    let sum = bytes[9] == 17 ? 26 : 36
    for (address, offset) in [(source, 12), (destination, 16)] {
      guard let old = bytes.uint32(at: offset), old != address else { continue }
      for field in [10, sum] { bytes.setUInt16(Checksum.updated(bytes.uint16(at: field) ?? 0, from: old, to: address), at: field) }
      bytes.setUInt32(address, at: offset)
    }
  }

  /// Sets a word of the transport header and its checksum.
  fileprivate mutating func set(_ bits: Int, _ value: some FixedWidthInteger, at offset: Int, sum: Int) {
    guard let checksum = bytes.uint16(at: sum) else { return }
    if bits == 16, let old = bytes.uint16(at: offset) {
      bytes.setUInt16(Checksum.updated(checksum, from: old, to: UInt16(truncatingIfNeeded: value)), at: sum)
      bytes.setUInt16(UInt16(truncatingIfNeeded: value), at: offset)
    } else if let old = bytes.uint32(at: offset) {
      bytes.setUInt32(UInt32(truncatingIfNeeded: value), at: offset)
      bytes.setUInt16(Checksum.updated(checksum, from: old, to: UInt32(truncatingIfNeeded: value)), at: sum)
    }
  }
}
