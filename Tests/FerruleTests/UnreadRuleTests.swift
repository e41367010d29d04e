import TestSupport
import Testing

/// A match, target or host name that nothing here can read makes its own rule opaque, and no other.
@Suite struct UnreadRuleTests {
  private static let rules = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :web - [0:0]
    -A INPUT -p udp -m geoip --src-cc CN,US -j DROP
    -A INPUT -i eth0 -p tcp -m geoip ! --src-cc CN --note "a b" --min -5 -m tcp --dport 22 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 25 -j TARPIT --tarpit
    -A INPUT -p tcp -m recent --set --name x --mask 255.255.255.255 --rsource -m quota2 --name y --quota 3 -j web
    -A INPUT -s localhost -d a.example,10.0.0.1 -p tcp -m tcp --dport 80 -j ACCEPT
    -A INPUT ! -s foo.example -p tcp -m tcp --dport 81 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 83 -m conntrack --ctorigsrc gw.example/24 --ctstate NEW -j ACCEPT
    -A INPUT -p sctp -m set2 -j ACCEPT
    -A web -p tcp -m tcp --dport 443 -j ACCEPT
    COMMIT

    """

  private static let host = "interfaces: {eth0: [192.0.2.10/24]}"

  /// Runs packets against the rules, and gives the verdicts.
  private static func verdicts(_ packets: [String], rules: String = rules) throws -> BuiltCommand.Outcome {
    try CommandTests.shell(
      "echo '\(host)' > $F.yaml; ferrule run --brief --host $F.yaml $F \(packets.map { "'\($0)'" }.joined(separator: " ")) 2>/dev/null",
      with: rules)
  }

  @Test func thePacketsToWhichTheRuleDoesNotApplyAreDecided() throws {
    let from = "192.0.2.7:1 > 192.0.2.10"
    let cases: [(packet: String, verdict: String)] = [
      ("eth0 udp \(from):9", "unknown at INPUT: -m geoip cannot be decided without its meaning: Ferrule knows no match of this name"),
      ("eth0 tcp \(from):22 S", "unknown at INPUT: -m geoip cannot"),
      ("eth0 tcp \(from):25 S", "unknown at INPUT: -j TARPIT cannot be decided without its meaning: Ferrule knows no target of this name"),
      ("eth0 tcp \(from):443 S", "unknown at INPUT: -m quota2 cannot"),
      ("eth0 icmp 192.0.2.7 > 192.0.2.10 echo-request", "dropped at INPUT by filter INPUT policy"),
    ]
    let outcome = try Self.verdicts(cases.map(\.packet))
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == cases.count, "\(outcome.text)")
    for (line, expected) in zip(lines, cases) { #expect(line.contains(expected.verdict), "\(line)") }
  }

  @Test(arguments: [
    ("-s localhost -p tcp -m tcp --dport 22 -j ACCEPT", "-s localhost"), ("! -d db.example/24 -j ACCEPT", "! -d db.example/24"),
    ("-s 10.0.0.1,gw.example -j ACCEPT", "-s 10.0.0.1,gw.example"),
    ("-m conntrack --ctorigsrc gw.example --ctstate NEW -j ACCEPT", "-m conntrack"),
    ("-p tcp -j TEE --gateway gw.example", "-j TEE"),
  ]) func aHostNameIsNotedAndItsRuleUnknown(_ rule: String, _ subject: String) throws {
    let text = "*mangle\n-A PREROUTING \(rule)\nCOMMIT\n"
    let lint = try CommandTests.shell("ferrule lint $F", with: text)
    #expect(lint.status == 0 && lint.text.contains("note: the host name is not resolved here"), "\(lint.text)")
    let run = try Self.verdicts(["eth0 tcp 192.0.2.7:1 > 192.0.2.10:22 S"], rules: text)
    #expect(run.text.contains("unknown at PREROUTING: \(subject) cannot be decided"), "\(run.text)")
    // Not a name: refused as ever.
    let digits = try CommandTests.shell("ferrule lint $F", with: "*filter\n-A INPUT -s 10.0.0.300 -j DROP\nCOMMIT\n")
    #expect(digits.status == 2 && digits.text.contains("bad-address"), "\(digits.text)")
  }

  @Test func lintReadsTheRestOfTheFile() throws {
    let outcome = try CommandTests.shell(
      "ferrule lint $F", with: Self.rules.replacing("COMMIT", with: "-A web -s 10.0.0.9/8 -j DROP\nCOMMIT"))
    #expect(outcome.status == 1, "\(outcome.text)")
    #expect(outcome.text.contains("FE005") || outcome.text.contains("host-bits"), "\(outcome.text)")
    #expect(outcome.text.contains("[unread-target]") && !outcome.text.contains("error:"), "\(outcome.text)")
  }

  @Test func fmtAndShowKeepTheWords() throws {
    let outcome = try CommandTests.shell(
      "ferrule fmt $F 2>/dev/null > $F.out; diff $F $F.out && ferrule fmt --check $F.out 2>/dev/null && echo same", with: Self.rules)
    #expect(outcome.text.hasSuffix("same\n"), "\(outcome.text)")
    let show = try CommandTests.shell("ferrule show $F 2>/dev/null", with: Self.rules)
    #expect(show.text.contains("-m geoip ! --src-cc CN --note \"a b\" --min -5"), "\(show.text)")
    #expect(show.text.contains("-j TARPIT --tarpit"), "\(show.text)")
  }

  @Test(arguments: ["compile", "apply --test", "apply --sandbox"]) func whatIsLoadedIsRefused(_ command: String) throws {
    for rule in ["-m quota2 ! --quota 2 --name a", "-j TARPIT --tarpit", "-j NOSUCH", "-s no-such-host.invalid -j DROP"] {
      let outcome = try CommandTests.shell("ferrule \(command) $F", with: "*filter\n-A INPUT \(rule)\nCOMMIT\n")
      #expect(outcome.status == 2 && outcome.text.contains("error:"), "\(rule): \(outcome.text)")
    }
  }

  @Test func aResolvedNameIsNoted() throws {
    let outcome = try CommandTests.shell("ferrule compile $F", with: "*filter\n-A INPUT -s localhost -j ACCEPT\nCOMMIT\n")
    #expect(outcome.status == 0 && outcome.text.contains("-s 127.0.0.1/32"), "\(outcome.text)")
    #expect(outcome.text.contains("note: the host name `localhost' is resolved now, as 127.0.0.1/32"), "\(outcome.text)")
  }

  @Test func aScenarioRunsAroundTheRule() throws {
    let text = """
      host: {interfaces: {eth0: [192.0.2.10/24]}}
      rules: |
        *filter
        :INPUT DROP [0:0]
        -A INPUT -p udp -m geoip --src-cc CN -j ACCEPT
        -A INPUT -p tcp -j ACCEPT
        COMMIT
      tests:
        - name: the match is not asked
          steps: [eth0 tcp 192.0.2.7:1 > 192.0.2.10:9 S => local]
        - name: the match is asked
          steps: [eth0 udp 192.0.2.7:1 > 192.0.2.10:9 => unknown]
      """
    #expect(try CommandTests.shell("ferrule test $F", with: text).status == 0)
  }
}
