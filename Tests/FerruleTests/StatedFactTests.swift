import TestSupport
import Testing

/// What a host states and the engine knows is used and told: time zones, names of sets, helpers of connections, numbers for TCP flags.
@Suite struct StatedFactTests {
  private static let clock = """
    rules: |
      *filter
      :INPUT ACCEPT [0:0]
      -A INPUT -p udp -m time --timestart 17:00 --timestop 23:59:59 --weekdays Mon,Tue --kerneltz -j DROP
      -A INPUT -p tcp -m time --timestart 22:00 --timestop 06:00 --weekdays Fri --contiguous --kerneltz -j DROP
      -A INPUT -p icmp -m time --datestart 2024-01-29T20:00:00 --monthdays 29,30 --kerneltz -j DROP
      COMMIT
    tests:
      - name: monday, half past four in Greenwich
        clock: 2024-01-29T16:30:00Z
        steps: [eth0 udp 192.0.2.7:1 > 192.0.2.10:9 => UDP]
      - name: saturday, half past five in Greenwich
        clock: 2024-02-03T05:30:00Z
        steps: [eth0 tcp 192.0.2.7:1 > 192.0.2.10:9 S => TCP]
      - name: monday evening in Greenwich
        clock: 2024-01-29T19:30:00Z
        steps: [eth0 icmp 192.0.2.7 > 192.0.2.10 echo-request => ICMP]

    """

  /// The verdicts follow from `time_mt`, which subtracts `60 * sys_tz.tz_minuteswest`.
  @Test(arguments: [
    ("timezone: UTC, ", "local", "drop INPUT", "local"), ("timezone: \"+01:00\", ", "drop INPUT", "local", "drop INPUT"),
    ("timezone: \"-0530\", ", "local", "drop INPUT", "local"), ("", "unknown", "unknown", "unknown"),
  ]) func theKernelsTimeZoneDecides(_ zone: String, _ udp: String, _ tcp: String, _ icmp: String) throws {
    let text =
      "host: {\(zone)interfaces: {eth0: [192.0.2.10/24]}}\n"
      + Self.clock.replacing("UDP", with: udp).replacing("TCP", with: tcp).replacing("ICMP", with: icmp)
    let outcome = try CommandTests.shell("ferrule test $F", with: text)
    #expect(outcome.status == 0, "\(outcome.text)")
  }

  @Test func aTimeZoneIsChecked() throws {
    for zone in ["Berlin", "+1", "01:00", "+25:00", "+01:75", "[]"] {
      let host = "timezone: \"\(zone)\"\ninterfaces: {eth0: [192.0.2.10/24]}\n"
      let outcome = try CommandTests.shell(
        "echo '\(CommandTests.fine)' > $F.v4; ferrule run --host $F $F.v4 'eth0 tcp 192.0.2.7:1 > 192.0.2.10:9 S'", with: host)
      #expect(outcome.status == 2 && outcome.text.contains("is no time zone"), "\(zone): \(outcome.text)")
    }
  }

  @Test func anExplanationNamesItsSet() throws {
    let text = """
      host: {interfaces: {eth0: [10.1.0.10/24]}}
      ipsets: |
        create other hash:ip
        create office hash:net
        add office 192.0.2.0/24
      rules: |
        *filter
        :INPUT DROP [0:0]
        :web - [0:0]
        -A INPUT -m set ! --match-set office src -j web
        -A web -p tcp -m set --match-set other src,src -j SET --add-set office src
        -A web -m set --match-set office src -j ACCEPT
        COMMIT
      tests:
        - name: a stranger
          steps:
            - packet: eth0 tcp 203.0.113.9:1 > 10.1.0.10:22 S
              expect: {rule: filter web 2}
        - name: a friend
          steps:
            - packet: eth0 tcp 192.0.2.9:1 > 10.1.0.10:22 S
              expect: {rule: filter INPUT 1}
      """
    let outcome = try CommandTests.shell("ferrule test $F", with: text)
    #expect(outcome.status == 1 && !outcome.text.contains("#0") && !outcome.text.contains("#1"), "\(outcome.text)")
    #expect(outcome.text.contains("did not match: -m set --match-set office src"), "\(outcome.text)")
    #expect(outcome.text.contains("did not match: -m set ! --match-set office src"), "\(outcome.text)")
  }

  private static let host = "interfaces: {eth0: [10.8.147.207/24], cni0: [10.240.244.1/24]}\nsysctls: {net.ipv4.ip_forward: 1}"

  /// One connection has a helper that is not known: only its own packets are unknown.
  @Test func anUnknownHelperIsALocalUnknown() throws {
    let listing = """
      udp      17 19 src=10.240.244.140 dst=10.8.147.9 sport=55850 dport=53 packets=6 bytes=391 src=10.8.147.9 dst=10.240.244.140 sport=53 dport=55850 packets=2 bytes=0 mark=0 helper=tns use=1
      tcp      6 431999 ESTABLISHED src=10.240.244.141 dst=10.8.147.9 sport=1000 dport=1521 src=10.8.147.9 dst=10.240.244.141 sport=1521 dport=1000 [ASSURED] mark=0 helper=rpc use=1
      udp      17 19 src=10.240.244.142 dst=10.8.147.9 sport=5 dport=69 src=10.8.147.9 dst=10.240.244.142 sport=69 dport=5 mark=0 helper=tftp use=1
      """
    let rules =
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 10.240.244.141/32 -m helper --helper rpc\n-A FORWARD -p udp -m helper --helper tns -m udp --dport 9 -j DROP\n-A FORWARD -m conntrack --ctstate INVALID\nCOMMIT\n"
    let packets = [
      "cni0 udp 10.240.244.140:55850 > 10.8.147.9:53", "eth0 tcp 10.8.147.9:1521 > 10.240.244.141:1000 A",
      "cni0 udp 10.240.244.142:5 > 10.8.147.9:69", "cni0 udp 10.240.244.143:5 > 10.8.147.9:69",
    ]
    let outcome = try CommandTests.shell(
      "echo '\(Self.host)' > $F.yaml; echo '\(listing)' > $F.ct; ferrule run --brief --host $F.yaml --conntrack-from $F.ct $F "
        + packets.map { "'\($0)'" }.joined(separator: " "), with: rules)
    let lines = outcome.text.split(separator: "\n").filter { $0.contains("=>") }
    #expect(lines.count == 4 && outcome.text.contains("the conntrack helper tns is not known"), "\(outcome.text)")
    for (line, expected) in zip(lines, ["what the conntrack helper tns does", "what the conntrack helper rpc does", "sent", "sent"]) {
      #expect(line.contains(expected), "\(line)")
    }
  }

  @Test(
    .asRoot,
    arguments: [
      ("-4", "-p tcp -m tcp --dport 69 -j CT --helper tftp", "`tftp' for tcp: it is for udp"),
      ("-4", "-p udp -j CT --helper ftp", "`ftp' for udp: it is for tcp"),
      ("-6", "-p tcp -j CT --helper irc", "`irc' for tcp: it is for IPv4 only"),
    ]) func aHelperOfAnotherProtocolIsNamed(_ family: String, _ rule: String, _ message: String) throws
  {
    let rules = "*raw\n-A PREROUTING \(rule)\nCOMMIT\n"
    let lint = try CommandTests.shell("ferrule lint \(family) $F", with: rules)
    #expect(lint.status == 1 && lint.text.contains("FE040") && lint.text.contains(message), "\(lint.text)")
    // The kernel refuses the whole table.
    let apply = try CommandTests.shell("ferrule apply \(family) --sandbox $F", with: rules)
    #expect(apply.status == 3 && apply.text.contains("ENOENT") && apply.text.contains(message), "\(apply.text)")
  }

  @Test(
    arguments: [
      ("2", true), ("\"0x02\"", true), ("\"S\"", true), ("18", false), ("\"18\"", false), ("256", nil), ("-1", nil), ("\"X\"", nil),
    ] as [(String, Bool?)])
  func theLabTakesNumbersForFlags(_ flags: String, _ passes: Bool?) throws {
    let rules = "*filter\\n:FORWARD DROP [0:0]\\n-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN -j ACCEPT\\nCOMMIT\\n"
    let scenario = """
      {"name": "f", "rules": "\(rules)", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "sport": 1, "dport": 2, "flags": \(flags)}]}
      """
    let outcome = try CommandTests.shell("ferrule lab < $F", with: scenario + "\n")
    guard let passes else { return #expect(outcome.text.contains("error") && outcome.text.contains("flags"), "\(outcome.text)") }
    #expect(!outcome.text.contains("\"error\""), "\(outcome.text)")
    #expect(outcome.text.contains("filter:FORWARD:rule:1") == passes, "\(outcome.text)")
  }
}
