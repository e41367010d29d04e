import Documents
import FoundationEssentials
import TestSupport
import Testing

/// What `ferrule run` tells of a packet besides its verdict: all its outcomes, why a rule did not match, the tables that were not asked, totals.
@Suite struct RunReportTests {
  private static let service = """
    *nat
    :PREROUTING ACCEPT
    :POSTROUTING ACCEPT
    :SVC -
    -A PREROUTING -d 10.96.0.80/32 -p tcp -m tcp --dport 80 -j SVC
    -A SVC -p tcp -m statistic --mode random --probability 0.33333333349 -j DNAT --to-destination 10.244.0.11:8080
    -A SVC -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.0.12:8080
    -A SVC -p tcp -j DNAT --to-destination 10.244.0.13:8080
    COMMIT
    *filter
    :INPUT DROP
    :FORWARD ACCEPT
    -A INPUT -p udp -j ACCEPT
    -A FORWARD -m time --timestart 09:00 --timestop 17:00 -j DROP
    COMMIT

    """
  private static let host = "interfaces: {eth0: [192.0.2.10/24], cni0: [10.244.0.1/24]}\\nroutes: []\\nclock: 2024-01-31T20:00:00Z\\n"
  private static let packet = "eth0 tcp 192.0.2.9:40000 > 10.96.0.80:80 S"

  private static func run(_ options: String, _ packets: String..., host: String = Self.host) throws -> String {
    let arguments = packets.map { "'\($0)'" }.joined(separator: " ")
    return try CommandTests.shell(
      "printf '\(host)' > $F.yaml; ferrule run --host $F.yaml \(options) $F \(arguments) 2>&1", with: Self.service
    ).text
  }

  @Test func everyEndpointOfAServiceIsAnOutcome() throws {
    let text = try Self.run("--brief --all-outcomes", Self.packet)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 3, "\(text)")
    for (index, line) in lines.enumerated() {
      #expect(line.contains("sent through cni0 as tcp 192.0.2.9:40000>10.244.0.1\(index + 1):8080 S"), "\(line)")
      #expect(line.hasSuffix("(outcome \(index + 1) of 3, with probability 0.3333)"), "\(line)")
    }
  }

  /// A fact that was not given is followed both ways; the outcome has no probability.
  @Test func aMissingFactIsFollowedBothWays() throws {
    let text = try Self.run(
      "--all-outcomes", "eth0 tcp 192.0.2.9:40000 > 10.244.0.11:80 S",
      host: "interfaces: {eth0: [192.0.2.10/24], cni0: [10.244.0.1/24]}\\nroutes: []\\n")
    #expect(text.contains("(outcome 1 of 2)") && text.contains("(outcome 2 of 2)"), "\(text)")
    #expect(text.contains("dropped at FORWARD by filter FORWARD rule 1") && text.contains("sent through cni0"), "\(text)")
    #expect(text.contains("assumed to match: -m time cannot be decided without the time (--clock)"), "\(text)")
    #expect(text.contains("assumed to fail: -m time"), "\(text)")
  }

  /// 2^9 outcomes are more than are followed.
  @Test func outcomesHaveABound() throws {
    let coin = "-A INPUT -m statistic --mode random --probability 0.5 -j MARK --set-mark 1\n"
    let rules = "*mangle\n" + String(repeating: coin, count: 9) + "COMMIT\n"
    let outcome = try CommandTests.shell(
      "printf '\(Self.host)' > $F.yaml; ferrule run --host $F.yaml --brief --all-outcomes $F 'eth0 udp 192.0.2.9:1 > 192.0.2.10:2' 2>&1",
      with: rules)
    #expect(outcome.text.split(separator: "\n").count { $0.contains("outcome") && $0.contains(" => ") } == 256)
    #expect(outcome.text.contains("only the first 256 outcomes"), "\(outcome.text.suffix(300))")
  }

  @Test(arguments: [
    ("INPUT 1", "-p udp: it is tcp"), ("filter INPUT policy", "at INPUT the rule matched"), ("line 13", "-p udp: it is tcp"),
    ("nat SVC 1", "the packet did not reach SVC"),
  ]) func aRuleSaysWhyItDidNotMatch(_ rule: String, _ reason: String) throws {
    let text = try Self.run("--why '\(rule)'", "eth0 tcp 192.0.2.9:40000 > 192.0.2.10:22 S")
    #expect(text.contains(reason), "\(text)")
    let json = try JSONValue(parsing: Self.run("--format json --why '\(rule)'", "eth0 tcp 192.0.2.9:40000 > 192.0.2.10:22 S"))
    let answers = (json["packets"]?.elements?.first?["why"]?.elements ?? []).compactMap(\.text)
    #expect(answers.contains { $0.contains(reason) }, "\(answers)")
  }

  @Test(arguments: ["NOWHERE 1", "INPUT 9", "line 99", "INPUT x"]) func aRuleThatIsNotThereIsRefused(_ rule: String) throws {
    #expect(try Self.run("--why '\(rule)'", Self.packet).contains("--why: "))
  }

  /// The packet is shown as the rule saw it that dropped it, and the published port is named.
  @Test func aTranslatedPacketThatIsDroppedIsShown() throws {
    let text = try CommandTests.shell(
      """
      cd Examples/published-port && ferrule run --ip-addr ip-addr.txt --ip-route ip-route.txt --sysctl sysctl.txt \
      ruleset.rules 'eth0 tcp 198.51.100.7:40000 > 203.0.113.10:8080 S'
      """, with: CommandTests.fine
    ).text
    #expect(text.contains("by filter DOCKER-USER rule 2 as tcp 198.51.100.7:40000>172.17.0.2:80 S"), "\(text)")
    #expect(text.contains("tcp 203.0.113.10:8080 is unreachable: its destination was translated to 172.17.0.2:80"), "\(text)")
  }

  @Test func tablesThatWereNotAskedAreNamed() throws {
    let forwarded = try Self.run("", "eth0 tcp 192.0.2.9:40000 > 10.244.0.11:80 S")
    #expect(!forwarded.contains("filter: not asked"), "\(forwarded)")
    let lost = try Self.run("", "eth0 tcp 192.0.2.9:40000 > 198.51.100.1:80 S")
    #expect(lost.contains("filter: not asked: its rules are at INPUT, FORWARD; the packet ends before, at PREROUTING"), "\(lost)")
  }

  @Test func totalsReplaceThePackets() throws {
    let text = try Self.run("--summary", "eth0 udp 192.0.2.9:1 > 192.0.2.10:53", "eth0 udp 192.0.2.9:1 > 192.0.2.10:53", Self.packet)
    #expect(text.hasPrefix("3 packets\nverdicts\n       2  delivered to this host\n"), "\(text)")
    #expect(text.contains("       2  filter INPUT rule 1\n"), "\(text)")
    #expect(text.contains("       2  udp 192.0.2.9:1>192.0.2.10:53\n"), "\(text)")
  }

  /// Packets, connections and expectations have the shape of the lab's protocol, and are always there.
  @Test func theJSONIsThatOfTheLab() throws {
    let json = try JSONValue(parsing: Self.run("--format json", "eth0 udp 192.0.2.9:1 > 192.0.2.10:53"))
    let packet = try #require(json["packets"]?.elements?.first?["packets"]?.elements?.first)
    #expect(packet["origin"]?.text == "self" && packet["verdict"]?.text == "local")
    #expect(packet["hooks"]?.elements?.compactMap(\.text) == ["PREROUTING:in", "PREROUTING:out", "INPUT:in", "INPUT:out"])
    #expect(packet["trace"]?.elements?.compactMap(\.text).contains("filter:INPUT:rule:1") == true)
    let connection = try #require(json["connections"]?.elements?.first)
    #expect(connection["proto"]?.text == "udp" && connection["orig"]?["sport"]?.integer == 1)
    #expect(json["expectations"]?.elements?.isEmpty == true)
  }

  @Test func aPacketInHexadecimalIsDecoded() throws {
    let hex = "4500001c00000000401100000a00000901020304003500350008" + "0000"
    let text = try Self.run("--brief", "eth0 hex \(hex)")
    #expect(text.hasPrefix("eth0 udp 10.0.0.9:53>1.2.3.4:53"), "\(text)")
  }

  @Test func expectedConnectionsAreListed() throws {
    let outcome = try BuiltCommand.shell(
      """
      printf 'interfaces: {lan: [10.0.0.1/24], wan: [203.0.113.5/29]}\nroutes: [default via 203.0.113.1 dev wan]\nsysctls: {net.ipv4.ip_forward: 1}\n' |
        ferrule run --brief --conntrack --host - ruleset.rules 'lan tcp 10.0.0.9:40000 > 192.0.2.21:21 S' \
        'wan tcp 192.0.2.21:21 > 203.0.113.5:40000 SA' 'lan tcp 10.0.0.9:40000 > 192.0.2.21:21 A' \
        'lan tcp 10.0.0.9:40000 > 192.0.2.21:21 PA payload="USER a\\r\\n"' \
        'lan tcp 10.0.0.9:40000 > 192.0.2.21:21 PA payload="PORT 10,0,0,9,195,80\\r\\n"'
      """, in: BuiltCommand.root.appending(path: "Examples/ftp-gateway"))
    #expect(outcome.text.contains(/(?m)^\d+ proto=6 src=192\.0\.2\.21 .*helper=ftp/), "\(outcome.text)")
  }

  /// Colours change nothing but colours, and a title that looks like a hook or a verdict has none.
  @Test func tracesAreColouredOnRequest() throws {
    let command =
      "ferrule run --host host.yaml ruleset.rules 'wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S' 'wan0 tcp 198.51.100.7:40000 > 203.0.113.5:22 A'"
    let folder = BuiltCommand.root.appending(path: "Examples/router-mistakes")
    for brief in ["", " --brief"] {
      let plain = try BuiltCommand.shell(command + brief, in: folder).text
      let coloured = try BuiltCommand.shell("\(command)\(brief) --color always", in: folder).text
      #expect(coloured.contains("\u{1B}[1;31m") && !plain.contains("\u{1B}"))
      #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == plain)
    }
    let trace = try BuiltCommand.shell("\(command) --color always", in: folder).text
    #expect(trace.contains("\u{1B}[1;36mPREROUTING\u{1B}[0m in wan0") && trace.contains("\u{1B}[1;31m→ dropped at INPUT"))
  }
}
