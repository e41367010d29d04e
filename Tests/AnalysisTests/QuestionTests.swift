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

  /// Answers that are said to be all are all.
  @Test func noPacketGetsAVerdictThatIsNotNamed() throws {
    var draw = RandomRules(seed: 815)
    var complete = 0
    for _ in 0..<300 {
      let text = draw.table(.mangle, rules: 5) + draw.table(.filter, rules: 6)
      let parsed = RandomRules.parse(text)
      guard !parsed.hasErrors else { continue }
      let matches =
        draw.pick(["-p tcp", "-s 10.0.0.0/30", "-p tcp -m tcp --dport 20:23", "-d 10.0.0.1 -p udp"]) + " -m conntrack --ctstate NEW"
      let hook = draw.pick([Hook.input, .forward])
      let condition = try Self.condition(matches)
      let question = PacketQuestion(QuestionRules(parsed.ruleset), .all([condition, .equals(.mark, 0)]), at: hook)
      guard question.isComplete else { continue }
      complete += 1
      for _ in 0..<20 {
        guard var witness = draw.packet(at: hook), witness.draft.input != nil else { continue }
        witness = Witness(draft: witness.draft, hook: hook, state: ConntrackState.new)
        witness.draft.mark = 0
        guard var context = witness.context(), condition.outcome(&context) == .matched else { continue }
        guard let verdict = PacketProbe(parsed.ruleset)?.walk(witness)?.verdict else { continue }
        #expect(question.verdicts.contains(verdict), "\(text)\n\(matches) at \(hook.name)\n\(witness.line ?? "")")
      }
    }
    #expect(complete > 50)
  }
}
