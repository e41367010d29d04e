/// Rulesets of any length, the same ones at every call.
public enum RulesetSample: String, CaseIterable, Sendable {
  /// An address, a protocol and a port each.
  case simple
  /// The kinds that large rulesets are made of. None matches a packet from 192.0.2.0/24, so that such a packet is held against
  /// all of them.
  case common
  /// With connection states, port lists, comments, limits, and targets that have options.
  case stateful
  /// Twenty rules in each of many chains, as a router for many networks has them.
  case chains

  /// A filter table with `count` rules, as iptables-save prints it.
  public func text(rules count: Int) -> String {
    var text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    text.reserveCapacity(count * 120)
    if self == .chains { return text + Self.chains(rules: count) + "COMMIT\n" }
    for index in 0..<count { text += "-A FORWARD " + rule(index) + "\n" }
    return text + "COMMIT\n"
  }

  private static func address(_ index: Int) -> String { "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)/32" }

  private func rule(_ index: Int) -> String {
    let address = Self.address(index)
    let port = 1 + index % 65535
    return switch self {
    case .simple: "-s \(address) -p tcp -m tcp --dport \(port) -j ACCEPT"
    case .common, .chains: Self.common(index, address, port)
    case .stateful: Self.stateful(index, address)
    }
  }

  private static func common(_ index: Int, _ address: String, _ port: Int) -> String {
    switch index % 5 {
    case 0: "-s \(address) -j DROP"
    case 1: "-s \(address) -p tcp -m tcp --dport \(port) -j ACCEPT"
    case 2: "-s \(address) -i eth\(index % 10) -p udp -m udp --sport 1024:65535 --dport 53 -j ACCEPT"
    case 3: "-s \(address) -p tcp -m multiport --dports 80,443,8000:8100 -m comment --comment \"rule \(index)\" -j ACCEPT"
    default: "-s \(address) -m mark --mark 0x\(String(index & 0xFFFF, radix: 16)) -j RETURN"
    }
  }

  private static func stateful(_ index: Int, _ address: String) -> String {
    switch index % 6 {
    case 0: "-s \(address) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    case 1: "-s \(address) -p tcp -m conntrack --ctstate NEW -m multiport --dports 80,443,8000:8100 -j ACCEPT"
    case 2:
      "-d \(address) -i eth\(index % 10) -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN "
        + "-m comment --comment \"ssh for \(index)\" -j ACCEPT"
    case 3: "-s \(address) -m limit --limit 10/sec --limit-burst 20 -j LOG --log-prefix \"seen \(index % 1000) \" --log-level 4"
    case 4:
      "-s \(address) -o eth\(index % 10) -p udp -m udp --dport 53 -m conntrack --ctstate NEW -m comment --comment dns -j ACCEPT"
    default:
      "-s \(address) -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec -j REJECT --reject-with icmp-host-prohibited"
    }
  }

  /// The chains stand in the order of their names, as the kernel gives them back.
  private static func chains(rules count: Int) -> String {
    let names = (0..<max(1, count / 20)).map { "zone_\(1_000_000 + $0)" }
    var text = ""
    for name in names { text += ":\(name) - [0:0]\n" }
    for (index, name) in names.enumerated() { text += "-A FORWARD -s \(address(index)) -j \(name)\n" }
    for (index, name) in names.enumerated() {
      for number in 0..<18 {
        let rule = index * 18 + number
        text += "-A \(name) -d \(address(rule)) -i eth\(rule % 10) -p tcp -m tcp --dport \(1 + rule % 65535) -j ACCEPT\n"
      }
      text += "-A \(name) -j DROP\n"
    }
    return text
  }
}
