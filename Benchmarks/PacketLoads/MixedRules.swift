import Diagnostics
import Evaluator
import Extensions
import Scenarios
import Syntax
import Wire
import XTables

/// A router with one long chain of rules of many shapes, none of which matches a packet between its two networks of documentation addresses.
public struct MixedRules {
  public let simulator: Simulator
  private let input: Interface
  private var packets: [Packet] = []
  /// The number of different packets.
  public static let packetCount = 64

  /// - Parameter count: the number of rules.
  public init(rules count: Int, indexing: ChainIndexing) throws {
    let host = try Host(
      yaml: SourceFile(
        name: "host",
        bytes: Array(
          """
          interfaces: {eth0: {addresses: [192.0.2.1/24]}, eth1: {addresses: [198.51.100.1/24]}}
          routes: []
          sysctls: {net.ipv4.ip_forward: 1}
          """.utf8)))
    let file = SourceFile(name: "mixed", bytes: Array(Self.text(rules: count).utf8))
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file)
    precondition(parsed.diagnostics.isEmpty, "\(parsed.diagnostics.prefix(3))")
    guard let input = host.interface(named: "eth0") else { preconditionFailure("the host has lost its interfaces") }
    simulator = try Simulator(host: host, rulesets: [parsed.ruleset], indexing: indexing)
    simulator.recordsTrace = false
    self.input = input
    var random = SeededRandom(seed: 5)
    for number in 0..<Self.packetCount {
      var fields = PacketFields(
        .v4(IPv4Address(192, 0, 2, UInt8(2 + number))), .v4(IPv4Address(198, 51, 100, UInt8(2 + number))),
        proto: number % 4 == 0 ? .udp : .tcp)
      fields.sourcePort = UInt16.random(in: 1024...60_000, using: &random)
      fields.destinationPort = [22, 53, 80, 443, 8080, UInt16.random(in: 1...65_535, using: &random)][number % 6]
      packets.append(try fields.packet())
    }
  }

  /// The bytes of the packets, before they are passed.
  public var packetBytes: [[UInt8]] { packets.map(\.bytes) }

  /// Passes packets past all rules.
  public mutating func pass(packets count: Int) {
    for number in 0..<count {
      packets[number % Self.packetCount].setTTL(64)
      guard case .sent = simulator.carry(&packets[number % Self.packetCount], on: input).verdict else {
        preconditionFailure("a rule matched")
      }
    }
  }

  /// Rules with prefixes of all lengths, ranges of addresses and ports, interfaces, and matches behind them.
  ///
  /// - Parameter first: rules in front of them.
  public static func text(rules count: Int, before first: String = "") -> String {
    var random = SeededRandom(seed: 17)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func network(_ lengths: [Int]) -> String {
      let length = lengths[number(0...(lengths.count - 1))]
      // Below 128.0.0.0: neither network of the packets is among them.
      let address = UInt32(number(0x0100_0000...0x7fff_ffff)) & ~(UInt32.max >> UInt32(length))
      return "\(IPv4Address(rawValue: address))/\(length)"
    }
    var text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    // Packets are tracked for this rule even if no other asks for it.
    text += "-A INPUT -m conntrack --ctstate NEW -j ACCEPT\n"
    // Packets whose lifetime is read do not go the ways of earlier ones.
    text += "-A FORWARD -m ttl --ttl-eq 255 -j DROP\n"
    text += first
    text.reserveCapacity(count * 120)
    for _ in 0..<count {
      var rule = "-A FORWARD"
      let kind = number(0...9)
      if kind < 7 { rule += " -s \(network([12, 16, 20, 24, 24, 28, 32, 32, 32]))" }
      if kind > 4 { rule += " -d \(network([12, 16, 24, 24, 32, 32, 32]))" }
      if number(0...4) == 0 { rule += " -i eth\(number(0...9))" }
      switch number(0...9) {
      case 0...3: rule += " -p tcp -m tcp --dport \([22, 25, 80, 443, number(1...65_535)][number(0...4)])"
      case 4: rule += " -p udp -m udp --dport \(number(1...30_000)):\(number(30_001...65_535))"
      case 5: rule += " -p tcp -m multiport --dports 80,443,8000:8100 -m comment --comment \"rule \(text.utf8.count)\""
      case 6: rule += " -p tcp -m conntrack --ctstate NEW -m tcp --sport 1024:65535 --dport \(number(1...65_535))"
      case 7: rule += " -m mark --mark 0x\(String(number(1...65_535), radix: 16))"
      default: break
      }
      text += rule + " -j \(["ACCEPT", "DROP", "RETURN"][number(0...2)])\n"
    }
    return text + "COMMIT\n"
  }
}
