import Diagnostics
import Evaluator
import Notation
import Scenarios
import Testing
import Wire
import XTables

/// Packets as captures have them: the kernel or the network card has joined the segments of a connection (GSO, GRO).
@Suite struct CapturedPacketTests {
  private static func runner() throws -> PacketRunner {
    let text = """
      interfaces: {eth0: [192.0.2.1/24, "2001:db8::1/64"], eth1: [198.51.100.1/24, "2001:db8:1::1/64"]}
      routes: []
      sysctls: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}
      """
    let host = try Host(yaml: SourceFile(name: "host", bytes: Array(text.utf8)))
    host.neighbours.areAll = false
    return PacketRunner(try Simulator(host: host, clock: 1_700_000_000_000_000_000, seed: 1), assumesDefaults: false)
  }

  private static func packet(_ source: String, _ destination: String, proto: IPProtocol = .tcp, length: Int) throws -> Packet {
    var fields = PacketFields(try #require(IPAddress(source)), try #require(IPAddress(destination)), proto: proto)
    (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (40000, 80, .ack)
    fields.dontFragment = true
    fields.identification = 0
    fields.payload = [UInt8](repeating: 120, count: length)
    return try fields.packet()
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.9", 7000), ("192.0.2.1", "192.0.2.9", 60000), ("2001:db8::1", "2001:db8::9", 7000),
    ("192.0.2.1", "192.0.2.9", 0),
  ]) func aPacketOfTheHostStaysAsTheKernelMadeIt(_ source: String, _ destination: String, _ length: Int) throws {
    var runner = try Self.runner()
    let packet = try Self.packet(source, destination, length: length)
    let report = runner.sendCaptured(packet)
    #expect(report.error == nil && report.departures.map(\.packet.bytes) == [packet.bytes], "\(report.verdict)")
  }

  @Test(arguments: [("192.0.2.9", "198.51.100.9"), ("2001:db8::9", "2001:db8:1::9")])
  func joinedSegmentsAreForwarded(_ source: String, _ destination: String) throws {
    var runner = try Self.runner()
    let joined = runner.receiveCaptured(try Self.packet(source, destination, length: 7000), on: "eth0")
    #expect(joined.departures.count == 1 && joined.departures.first?.packet.count ?? 0 > 7000, "\(joined.verdict)")
    // What is no segment of a connection was never joined.
    let other = runner.receiveCaptured(try Self.packet(source, destination, proto: .gre, length: 7000), on: "eth0")
    #expect(other.departures.first.map { $0.packet.icmp != nil || $0.packet.icmpv6 != nil } == true, "\(other.verdict)")
  }

  /// A process cannot send what is longer than the MTU, nor choose the identification 0.
  @Test func aProcessIsHeldToTheMTU() throws {
    let runner = try Self.runner()
    let sent = runner.simulator.send(try Self.packet("192.0.2.1", "192.0.2.9", length: 1), by: LocalSender())
    let identification = try #require(sent.departures.first?.packet.ipv4?.identification)
    #expect(identification != 0)
    let refused = runner.simulator.send(try Self.packet("192.0.2.1", "192.0.2.9", length: 7000), by: LocalSender())
    #expect(refused.error == .messageTooLong)
  }
}
