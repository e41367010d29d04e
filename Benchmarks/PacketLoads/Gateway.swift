import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Scenarios
import Syntax
import Wire
import XTables

/// A router between the clients and the server, with ten rules of which an established packet is held against all.
public struct Gateway {
  public let simulator: Simulator
  public let inner: Interface
  public let outer: Interface

  private static let filter = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A FORWARD -m conntrack --ctstate INVALID -j DROP
    -A FORWARD -s 192.168.0.0/16 -j DROP
    -A FORWARD -i eth0 -p tcp -m tcp --dport 25 -j DROP
    -A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT
    -A FORWARD -p tcp -m multiport --dports 137,138,139,445 -j DROP
    -A FORWARD -m mark --mark 0x7 -j DROP
    -A FORWARD -p udp -m udp --dport 5353 -j DROP
    -A FORWARD -d 203.0.113.0/24 -o eth1 -j DROP
    -A FORWARD -i eth0 -o eth1 -m conntrack --ctstate NEW -j ACCEPT
    -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    COMMIT

    """
  private static let nat = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A PREROUTING -i eth0 -d 198.51.100.200 -p tcp -m tcp --dport 443 -j DNAT --to-destination 198.51.100.9
    -A POSTROUTING -o eth0 -j MASQUERADE
    COMMIT

    """

  /// What clients call the server where its address is translated.
  public static let publicServer = IPv4Address(198, 51, 100, 200)

  /// - Parameters:
  ///   - maximum: the limit of the connection table.
  ///   - translating: whether there is a nat table too.
  public init(maximum: UInt32, translating: Bool = false) throws {
    let host = try Host(
      yaml: SourceFile(
        name: "host",
        bytes: Array(
          """
          interfaces: {eth0: {addresses: [10.0.0.1/8]}, eth1: {addresses: [198.51.100.1/24]}}
          routes: []
          sysctls: {net.ipv4.ip_forward: 1}
          """.utf8)))
    let file = SourceFile(name: "gateway", bytes: Array(((translating ? Gateway.nat : "") + Gateway.filter).utf8))
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(file)
    precondition(parsed.diagnostics.isEmpty, "\(parsed.diagnostics)")
    guard let inner = host.interface(named: "eth0"), let outer = host.interface(named: "eth1") else {
      preconditionFailure("the host has lost its interfaces")
    }
    simulator = try Simulator(host: host, rulesets: [parsed.ruleset])
    simulator.recordsTrace = false
    simulator.conntrackSettings.max = maximum
    (self.inner, self.outer) = (inner, outer)
  }
}
