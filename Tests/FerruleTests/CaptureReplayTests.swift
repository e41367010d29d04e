import Documents
import Testing

/// Captures of a kernel's gateway, replayed and compared: `Examples/captured-gateway`.
@Suite struct CaptureReplayTests {
  private static func run(_ options: String, rules: String = "ruleset.rules") throws -> (status: Int32, text: String) {
    let outcome = try CommandTests.shell(
      "cd Examples/captured-gateway && ferrule run --host host.yaml \(options) \(rules) 2>&1", with: CommandTests.fine)
    return (outcome.status, outcome.text)
  }

  private static let both = "--pcap lan=lan.pcap --pcap wan=wan.pcap"

  /// Every frame that the kernel sent, its counters and its connections are the engine's too.
  @Test func theKernelDidWhatTheEngineDoes() throws {
    let outcome = try Self.run("\(Self.both) --compare --compare-with counters.txt --compare-with conntrack.txt --summary")
    #expect(outcome.status == 0 && outcome.text.contains("compared: 24 frames as captured, 0 differences\n"), "\(outcome.text)")
    #expect(outcome.text.contains("      19  filter FORWARD rule 1\n"), "\(outcome.text)")
    #expect(outcome.text.contains("      10  tcp 10.0.0.9:36112>203.0.113.80:80 TIME_WAIT\n"), "\(outcome.text)")
  }

  /// Other rules do something else, and the comparison says what.
  @Test func whatDiffersIsNamed() throws {
    let outcome = try CommandTests.shell(
      """
      cd Examples/captured-gateway && sed 's/--dport 53 -j ACCEPT/--dport 53 -j DROP/' ruleset.rules > $F.rules
      ferrule run --host host.yaml \(Self.both) --compare --compare-with counters.txt --compare-with conntrack.txt --format json $F.rules
      """, with: CommandTests.fine)
    #expect(outcome.status == 1)
    let comparison = try #require(try JSONValue(parsing: outcome.text)["comparison"], "\(outcome.text.suffix(500))")
    let texts = (comparison["differences"]?.elements ?? []).compactMap { $0["text"]?.text }
    #expect(texts.contains { $0.contains("the capture has udp 203.0.113.5:42322>203.0.113.80:53 through wan (frame") }, "\(texts)")
    #expect(texts.contains("the kernel has the connection udp 10.0.0.9:42322>203.0.113.80:53, Ferrule has not"), "\(texts)")
    #expect(comparison["differences"]?.elements?.allSatisfy { $0["timing"] == .bool(false) } == true)
  }

  /// The packets of both captures are played in the order of their times.
  @Test func capturesAreMergedByTime() throws {
    let lines = try Self.run("\(Self.both) --brief").text.split(separator: "\n")
    #expect(lines.first == "lan tcp 10.0.0.9:36112>203.0.113.80:80 S => sent through wan", "\(lines)")
    #expect(lines.dropFirst().first == "wan tcp 203.0.113.80:80>203.0.113.5:36112 SA => sent through lan", "\(lines)")
    #expect(!lines.contains { $0.contains("only one direction") }, "\(lines)")
  }

  /// Several threads print what one prints.
  @Test(arguments: ["--brief", "--summary", "--brief --expect sent"]) func severalThreadsPrintTheSame(_ form: String) throws {
    let script = """
      cd Examples/captured-gateway && grep -v -e DNAT -e MASQUERADE ruleset.rules > $F.rules
      ferrule run --host host.yaml \(Self.both) \(form)
      """
    let one = try CommandTests.shell("\(script) $F.rules 2>&1", with: CommandTests.fine)
    let several = try CommandTests.shell("\(script) --jobs 3 $F.rules 2>&1", with: CommandTests.fine)
    #expect(several.text == one.text && several.status == one.status && !one.text.isEmpty, "\(several.text)")
  }

  /// Rules that translate addresses tie packets together, which is said; the result is the same.
  @Test func whyOneThreadCarriesAllIsNamed() throws {
    let (one, several) = (try Self.run("\(Self.both) --summary"), try Self.run("\(Self.both) --summary --jobs 2"))
    let lines = several.text.split(separator: "\n", omittingEmptySubsequences: false)
    let reason =
      "--jobs 2: one thread carries all packets, because `-j DNAT' in rule 1 of nat PREROUTING acts on packets of all hosts together, and there is 1 more such"
    #expect(lines.contains { $0.hasSuffix(reason) }, "\(several.text)")
    #expect(lines.filter { !$0.contains("--jobs 2") }.joined(separator: "\n") == one.text && several.status == one.status)
    let json = try Self.run("\(Self.both) --summary --format json --jobs 2")
    #expect(json.text.contains("because --format json lists the connections in the order of one table"), "\(json.text.prefix(300))")
    let traced = try Self.run("\(Self.both) --brief --why 'FORWARD 1' --jobs 2")
    #expect(traced.text.contains("because the paths of the packets are recorded"), "\(traced.text.prefix(300))")
  }

  @Test func aMissingDirectionIsNamed() throws {
    let outcome = try Self.run("--pcap wan=wan.pcap --brief")
    #expect(outcome.text.contains("the captures have only one direction of 2 TCP connections"), "\(outcome.text)")
  }

  @Test(arguments: [
    ("--pcap lan.pcap", "--pcap INTERFACE=FILE, or --in"), ("--compare", "--compare needs --pcap"),
    ("--pcap lan=lan.pcap --compare-with counters.txt", "--compare-with needs --compare"),
    ("--pcap lan=lan.pcap --all-outcomes", "--all-outcomes follows packets"),
    ("--pcap lan=lan.pcap --compare --compare-with host.yaml", "give what `iptables-save -c' or `conntrack -L' printed"),
    ("--pcap lan=none.pcap", "none.pcap"), ("--pcap lan=lan.pcap --jobs 2", "--jobs needs --pcap, and --brief or --summary."),
    ("--pcap lan=lan.pcap --brief --jobs 0", "--jobs must be from 1 to 256."),
  ]) func mistakesAreNamed(_ options: String, _ message: String) throws {
    let outcome = try Self.run(options)
    #expect(outcome.status != 0 && outcome.text.contains(message), "\(outcome.text)")
  }
}
