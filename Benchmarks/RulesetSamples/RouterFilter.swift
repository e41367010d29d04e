/// The tables of a router between many networks: for each a chain that binds addresses to hardware addresses, and one that opens ports.
public enum RouterFilter {
  /// The networks.
  private static let networks = 40

  /// The tables as `iptables-save` prints them.
  ///
  /// - Parameter count: about how many rules they have.
  public static func text(rules count: Int) -> String {
    let each = max(2, (count - 4 * networks) / (3 * networks))
    let inner = (0..<networks).map { "eth1.\(100 + $0)" }
    var lines = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for number in 0..<20 { lines.append("-A PREROUTING -s \(host(number, 1)) -i \(inner[number]) -p udp -m udp --dport 53 -j NOTRACK") }
    lines += ["COMMIT", "*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for number in 0..<networks { lines += [":mac_\(number) - [0:0]", ":filter_\(number) - [0:0]"] }
    lines.append(":LOG_DROP - [0:0]")
    for chain in ["INPUT", "FORWARD"] {
      lines.append("-A \(chain) -m state --state RELATED,ESTABLISHED,UNTRACKED -j ACCEPT")
      lines.append("-A \(chain) -m recent --update --seconds 60 --name DEFAULT --rsource -j LOG_DROP")
      lines.append("-A \(chain) -s 127.0.0.0/8 -j LOG_DROP")
    }
    for number in 0..<networks {
      lines.append("-A FORWARD -s \(network(number)) -i \(inner[number]) -j mac_\(number)")
      lines.append("-A FORWARD -i \(inner[number]) -j LOG_DROP")
    }
    for number in 0..<networks { lines.append("-A FORWARD -d \(network(number)) -o \(inner[number]) -j filter_\(number)") }
    lines.append("-A FORWARD -i eth1.99 -j LOG_DROP")
    lines += ["-A LOG_DROP -m limit --limit 100/min -j LOG --log-prefix \"[IPT_DROP]:\"", "-A LOG_DROP -j DROP"]
    for number in 0..<networks {
      for address in 0..<(2 * each) {
        let hardware = "02:00:00:00:\(hex(number)):\(hex(address % 256))"
        lines.append("-A mac_\(number) -s \(host(number, address)) -m mac --mac-source \(hardware) -j RETURN")
      }
      lines.append("-A mac_\(number) -j LOG_DROP")
      for rule in 0..<each {
        let port = [22, 25, 53, 80, 443, 993, 1024 + rule][rule % 7]
        lines.append(
          "-A filter_\(number) -d \(host(number, rule)) -p tcp -m state --state NEW -m tcp --dport \(port) "
            + "--tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT")
      }
      lines.append("-A filter_\(number) -p tcp -m tcp --dport 22 -j LOG_DROP")
    }
    return (lines + ["COMMIT", ""]).joined(separator: "\n")
  }

  private static func network(_ number: Int) -> String { "131.159.\(number).0/24" }

  private static func host(_ number: Int, _ address: Int) -> String { "131.159.\(number).\(address % 256)/32" }

  private static func hex(_ number: Int) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }
}
