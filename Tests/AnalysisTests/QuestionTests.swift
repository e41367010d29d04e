import Analysis
import Conntrack
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// What becomes of sets of packets, against packets that the evaluator runs.
@Suite struct QuestionTests {
  /// The condition of matches.
  static func condition(_ matches: String) throws -> Condition {
    let table = try #require(RandomRules.parse("*mangle\n:q - [0:0]\n-A q \(matches)\nCOMMIT\n").ruleset.tables.first)
    return try #require(table[chain: "q"]?.rules.first).condition(.ipv4)
  }

  static func ask(_ rules: String, _ matches: String, at hook: Hook = .input) throws -> PacketQuestion {
    PacketQuestion(QuestionRules(RandomRules.parse(rules).ruleset), .all([try condition(matches), .equals(.mark, 0)]), at: hook)
  }

  private static let host =
    "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"

  @Test func everyVerdictIsNamed() throws {
    let some = try Self.ask(Self.host, "-i eth0 -p tcp -m tcp --dport 22")
    #expect(some.isComplete && some.verdicts == [.accept, .drop])
    let all = try Self.ask(Self.host, "-i eth0 -s 10.1.0.0/16 -p tcp -m tcp --dport 22")
    #expect(all.isComplete && all.verdicts == [.accept])
    #expect(all.answers.map(\.witness.line) == ["eth0 tcp 10.1.0.0:40000 > 198.51.100.7:22 S"])
    let none = try Self.ask(Self.host, "-i eth0 -p udp")
    #expect(none.isComplete && none.verdicts == [.drop])
    #expect(try Self.ask(Self.host, "-i eth0", at: .output).isEmpty)
  }

  /// A mark that one table sets is what another tests.
  @Test func marksPassFromTableToTable() throws {
    let rules = """
      *mangle
      -A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-mark 0x7
      COMMIT
      *filter
      :INPUT DROP [0:0]
      -A INPUT -m mark --mark 0x7 -j ACCEPT
      COMMIT

      """
    #expect(try Self.ask(rules, "-p tcp -m tcp --dport 80").verdicts == [.accept])
    let other = try Self.ask(rules, "-p tcp -m tcp --dport 81")
    #expect(other.verdicts == [.drop] && other.isComplete)
  }

  /// A chain that a packet visits at two hooks asks chance twice: the bit that each visit flips may end up set.
  @Test func chanceIsAskedAtEachHook() throws {
    let rules = """
      *mangle
      :U - [0:0]
      -A PREROUTING -j U
      -A POSTROUTING -j U
      -A POSTROUTING -m mark --mark 0x1/0x1 -j DROP
      -A U -m statistic --mode random --probability 0.5 -j MARK --set-xmark 0x1/0x0
      COMMIT

      """
    let question = try Self.ask(rules, "-i eth0 -p udp", at: .forward)
    #expect(question.verdicts == [.accept, .drop])
  }

  /// The rules of kube-proxy for some services with two endpoints each.
  private static func services(_ count: Int) -> String {
    var (chains, rules) = ("", "")
    for number in 0..<count {
      let (service, endpoints) = ("10.96.0.\(number)", ["10.244.\(number).1", "10.244.\(number).2"])
      chains += ":SVC\(number) - [0:0]\n"
      rules += "-A PREROUTING -d \(service) -p tcp -m tcp --dport 80 -j SVC\(number)\n"
      rules += "-A SVC\(number) ! -s 10.244.0.0/16 -j MARK --set-xmark 0x4000/0x4000\n"
      rules += "-A SVC\(number) -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination \(endpoints[0]):8080\n"
      rules += "-A SVC\(number) -p tcp -j DNAT --to-destination \(endpoints[1]):8080\n"
    }
    return "*nat\n\(chains)\(rules)-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\nCOMMIT\n"
  }

  /// Hundreds of answers are found within a bound of nodes.
  @Test func manyAnswersNeedFewNodes() throws {
    let rules = QuestionRules(RandomRules.parse(Self.services(100)).ruleset)
    let packets = Condition.all([try Self.condition("-p tcp -m tcp --dport 80"), .equals(.mark, 0)])
    let question = PacketQuestion(rules, packets, at: .forward, limit: 60_000)
    #expect(question.isComplete && question.verdicts == [.accept])
    #expect(question.answers.count == 401)
  }

  /// The kernel drops a GRE packet of fewer than eight bytes where it would have to translate it.
  @Test func shortHeadersAreNotTranslated() throws {
    let rules = "*nat\n-A PREROUTING -j DNAT --to-destination 192.0.2.1\nCOMMIT\n"
    let any = try Self.ask(rules, "-i eth0 -m conntrack --ctstate NEW", at: .forward)
    #expect(any.isComplete && any.verdicts == [.accept, .drop])
    #expect(any.answers.allSatisfy { !$0.region.isExact || $0.walk.verdict == .drop })
    let tcp = try Self.ask(rules, "-i eth0 -p tcp -m conntrack --ctstate NEW", at: .forward)
    #expect(tcp.isComplete && tcp.verdicts == [.accept])
  }

  /// A rule that no packet of the question can match decides nothing, whatever it asks; what may be written to a packet is no ground to
  /// leave a rule out.
  @Test func onlyRulesThatPacketsMayMeetDecide() throws {
    let rules = """
      *mangle
      :U - [0:0]
      -A PREROUTING -s 10.0.0.0/8 -j U
      -A U -p tcp -m tcp --dport 22 -j MARK --set-xmark 0x1/0xffffffff
      COMMIT
      *nat
      -A PREROUTING -p tcp -m tcp --dport 22 -m mark --mark 0x1 -j DNAT --to-destination 192.0.2.1:2222
      -A PREROUTING -p udp -j DNAT --to-destination 192.0.2.1-192.0.2.9
      COMMIT
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -d 192.0.2.1 -p tcp -m tcp --dport 2222 -j ACCEPT
      -A FORWARD -s 172.16.0.0/12 -m statistic --mode random --probability 0.5 -j ACCEPT
      COMMIT

      """
    let packets = "-i eth0 -d 198.51.100.1 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW"
    let translated = try Self.ask(rules, "-s 10.0.0.0/8 " + packets, at: .forward)
    #expect(translated.isComplete && translated.verdicts == [.accept])
    let other = try Self.ask(rules, "-s 11.0.0.1 " + packets, at: .forward)
    #expect(other.isComplete && other.verdicts == [.drop])
  }

  /// The number of random rulesets: one for twenty of those of ``ReachTests``.
  private static let count = ReachTests.count / 20

  /// Answers that are said to be all are all, and each is shown by a packet of the question.
  @Test func noPacketGetsAVerdictThatIsNotNamed() throws {
    var draw = RandomRules(seed: 815)
    var tally = (complete: 0, packets: 0, witnesses: 0)
    for _ in 0..<Self.count {
      let names: [TableName] = draw.pick([[.mangle, .filter], [.filter], [.raw, .filter], [.raw, .mangle, .nat, .filter]])
      let text = names.map { draw.table($0, rules: Int.random(in: 3...8, using: &draw.random)) }.joined()
      let parsed = RandomRules.parse(text)
      guard !parsed.hasErrors else { continue }
      let hook = draw.pick([Hook.input, .forward, .output])
      let matches = draw.question(at: hook)
      let condition = Condition.all([try Self.condition(matches), .equals(.mark, 0)])
      let question = PacketQuestion(QuestionRules(parsed.ruleset), condition, at: hook)
      for answer in question.answers {
        var context = try #require(answer.witness.context())
        tally.witnesses += 1
        #expect(condition.outcome(&context) == .matched, "\(text)\n\(matches) at \(hook.name)\n\(answer.witness.line ?? "")")
      }
      guard question.isComplete, let probe = PacketProbe(parsed.ruleset) else { continue }
      tally.complete += 1
      for _ in 0..<30 {
        guard var witness = draw.packet(at: hook) else { continue }
        witness = Witness(draft: witness.draft, hook: hook, state: ConntrackState.new)
        witness.draft.mark = 0
        guard var context = witness.context(), condition.outcome(&context) == .matched else { continue }
        guard let verdict = probe.walk(witness)?.verdict else { continue }
        tally.packets += 1
        #expect(question.verdicts.contains(verdict), "\(text)\n\(matches) at \(hook.name)\n\(witness.line ?? "")")
      }
    }
    print("\(Self.count) questions, \(tally.complete) answered whole, \(tally.packets) packets, \(tally.witnesses) answers with a packet")
    #expect(tally.complete > Self.count / 6 && tally.packets > tally.complete)
  }
}

extension RandomRules {
  /// The matches of a question about packets at a hook.
  fileprivate mutating func question(at hook: Hook) -> String {
    var words = [pick(["-p tcp", "-s 10.0.0.0/30", "! -s 10.0.0.1", "-p tcp -m tcp --dport 20:23", "-d 10.0.0.1 -p udp", "-p icmp"])]
    if hook != .output, chance(0.3) { words.append(pick(["-i eth0", "! -i eth0", "-i eth+"])) }
    if hook != .input, chance(0.3) { words.append(pick(["-o eth0", "-o lo", "! -o eth+"])) }
    if chance(0.2) {
      words.append(pick(["-m ttl --ttl-lt 4", "-m length --length 0:40", "-m statistic --mode nth --every 2 --packet 0"]))
    }
    return (words + ["-m conntrack --ctstate NEW"]).joined(separator: " ")
  }
}
