import Testing

/// Frames that arrive at a part of another interface, as `ip addr` lists it. The verdicts are those of a kernel with this host.
@Suite struct BridgeListingTests {
  /// A listing of `ip addr`: of two ports of br0, with or without what `-d` prints.
  private static func text(port: String = "bridge_slave state forwarding priority 32", master: String = "bridge forward_delay 1500")
    -> String
  {
    """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
    2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP group default qlen 1000
        link/ether 1e:ee:86:f5:30:23 brd ff:ff:ff:ff:ff:ff link-netns c promiscuity 1 minmtu 68 maxmtu 65535
        veth
        \(port)
    3: eth1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP group default qlen 1000
        link/ether a6:fc:05:e9:fd:18 brd ff:ff:ff:ff:ff:ff link-netns s promiscuity 1 minmtu 68 maxmtu 65535
        veth
        \(port)
    4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
        link/ether 02:00:00:00:00:b0 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
        \(master)
        inet 203.0.113.5/24 scope global br0
    """
  }

  private static func json(port: String = #""info_slave_kind":"bridge""#, master: String = #""info_kind":"bridge""#) -> String {
    """
    [{"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
     {"ifname":"eth0","flags":["BROADCAST","UP","LOWER_UP"],"master":"br0","link_type":"ether","address":"1e:ee:86:f5:30:23",
      "linkinfo":{"info_kind":"veth",\(port)},"addr_info":[]},
     {"ifname":"eth1","flags":["BROADCAST","UP","LOWER_UP"],"master":"br0","link_type":"ether","address":"a6:fc:05:e9:fd:18",
      "linkinfo":{"info_kind":"veth",\(port)},"addr_info":[]},
     {"ifname":"br0","flags":["BROADCAST","UP","LOWER_UP"],"link_type":"ether","address":"02:00:00:00:00:b0",
      "linkinfo":{\(master)},"addr_info":[{"local":"203.0.113.5","prefixlen":24,"scope":"global"}]}]
    """
  }

  private static let plainJSON = json(port: #""a":0"#, master: #""a":0"#)
  private static let rules = """
    *filter
    -A INPUT -m physdev --physdev-in eth0 -j DROP
    -A FORWARD -m physdev --physdev-is-bridged -p tcp --dport 25 -j DROP
    COMMIT

    """
  private static let toHost = "eth0 tcp 203.0.113.7:1 > 203.0.113.5:22 S"
  private static let bridged = "eth0 dmac=9a:bb:99:70:77:4f tcp 203.0.113.7:1 > 203.0.113.8:25 S"
  private static let call = "--sysctl net.bridge.bridge-nf-call-iptables="

  private static func run(_ addresses: String, _ options: String, _ packets: [String]) throws -> [String] {
    let outcome = try CommandTests.shell(
      """
      cat > $F.addr <<'END'
      \(addresses)
      END
      printf '203.0.113.0/24 dev br0 proto kernel scope link src 203.0.113.5\\n' > $F.route
      ferrule run --brief --ip-addr $F.addr \(addresses.contains("inet 203") || addresses.contains("ifname") ? "--ip-route $F.route" : "") \(options) $F \(packets.map { "'\($0)'" }.joined(separator: " "))
      """, with: rules)
    return outcome.text.split(separator: "\n").compactMap { line in
      line.firstRange(of: " => ").map { String(line[$0.upperBound...]) }
    }
  }

  @Test(arguments: [text(), json(), text(master: ""), json(port: #""a":0"#)])
  func aBridgeIsABridge(_ addresses: String) throws {
    for (value, local, crossing) in [
      ("1", "dropped at INPUT by filter INPUT rule 1", "dropped at FORWARD by filter FORWARD rule 1"),
      ("0", "delivered to this host", "sent through br0"),
    ] {
      let verdicts = try Self.run(addresses, Self.call + value, [Self.toHost, Self.bridged])
      #expect(verdicts.map { $0.prefix { $0 != ":" } } == [Substring(local), Substring(crossing)], "\(value)")
    }
    let undecided = try Self.run(addresses, "", [Self.toHost, Self.bridged])
    #expect(undecided.count == 2)
    for verdict in undecided {
      #expect(verdict.contains("unknown") && verdict.contains("net.bridge.bridge-nf-call-iptables"))
    }
  }

  /// A bridge's own switch counts beside the sysctl, which need not be known then.
  @Test(
    arguments: [
      text(master: "bridge forward_delay 1500 nf_call_iptables 1 nf_call_ip6tables 0"),
      json(master: #""info_kind":"bridge","info_data":{"nf_call_iptables":1,"nf_call_ip6tables":0}"#),
    ], ["", call + "0"]) func aBridgeMayAskByItself(_ addresses: String, _ options: String) throws
  {
    let verdicts = try Self.run(addresses, options, [Self.toHost, Self.bridged])
    #expect(verdicts.map { $0.prefix(18) } == ["dropped at INPUT b", "dropped at FORWARD"], "\(verdicts)")
  }

  @Test(arguments: [text(port: "", master: ""), plainJSON]) func anUntoldKindIsUnknown(_ addresses: String) throws {
    let verdicts = try Self.run(addresses, Self.call + "0", [Self.toHost, Self.bridged])
    #expect(verdicts.count == 2)
    for verdict in verdicts {
      #expect(
        verdict.contains("unknown") && verdict.contains("whether br0, the master of eth0, is a bridge") && verdict.contains("ip -d addr"))
    }
  }

  @Test(arguments: [
    (text(port: "vrf_slave table 10", master: "vrf table 10"), "unknown", "no bridge but a vrf"),
    (json(port: #""info_slave_kind":"vrf""#, master: #""info_kind":"vrf""#), "unknown", "no bridge but a vrf"),
    (text(port: "bond_slave state ACTIVE", master: "bond mode active-backup"), "delivered", ""),
    (
      text(port: "", master: "").replacing(
        "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master",
        with: "<BROADCAST,MULTICAST,SLAVE,UP,LOWER_UP> mtu 1500 qdisc noqueue master"), "delivered", ""
    ),
    (String(text().prefix(while: { $0 != "4" })), "unknown", "the master of eth0"),
  ]) func othersAreNoBridges(_ addresses: String, _ verdict: String, _ reason: String) throws {
    let verdicts = try Self.run(addresses, "", [Self.toHost])
    #expect(verdicts.count == 1 && verdicts.allSatisfy { $0.contains(verdict) && (reason.isEmpty || $0.contains(reason)) }, "\(verdicts)")
  }
}
