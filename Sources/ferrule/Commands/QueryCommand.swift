import Analysis
import ArgumentParser
import Conntrack
import Diagnostics
import Evaluator
import Kernel
import Linter
import Netfilter
import Snapshots
import Syntax
import SystemNames
import Wire
import XTables

struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Reports the verdicts that a ruleset gives to a set of packets.",
    discussion: """
      THE PACKETS
        in eth0 src 10.0.0.0/8 tcp dport 22
        local udp dst 192.0.2.53 dport 53
        in lan out wan tcp sport 1024:65535 state ESTABLISHED
        -i eth0 -p tcp -m tcp --syn          (matches as in a rule; write -- before them)
      The words are in, out, src, dst, sport, dport, state, mark, a protocol, and local (packets that this host sends); `not' negates the next \
      word. Other fields may have any value. Without `state' the packets are the first of their connection; without `mark' their mark is 0.

      Without --host, routing is not considered: packets that arrive are followed to INPUT and to FORWARD (with `out', to FORWARD only). \
      With --host, they are followed as its routes lead them, by the destination that the nat table gives them.

      THE ANSWER
      For each hook: `all accept' means that every packet must be accepted, `all accept or drop' that each of these verdicts is possible \
      and no other, `some' that others may be possible. For each verdict follow the packets that get it (an = before them: exactly these; ~: \
      these are all among them), one of them, which was run through the tables, with its translation by the nat table, and the deciding rules.

      EXIT STATUS
        0 answered; with --verdict: every packet gets it, 1 with --verdict: some packet does not, or that is not decided, 2 bad input

      EXAMPLES
        ferrule query rules.v4 'in eth0 tcp dport 22'
        ferrule query --verdict drop rules.v4 'in wan tcp dport 3306'
        ferrule query --host host.yaml --from outside --to 10.0.0.5 rules.v4 \\
          'tcp dport 3306'
        ferrule query --format json rules.v4 'local udp dport 53'
        ferrule query rules.v4 -- '-i eth0 -p tcp -m multiport --dports 80,443'
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions
  @OptionGroup var hosts: HostOptions

  @Argument(help: "The ruleset, in the format of iptables-save; - means standard input.", completion: .file())
  var file: String

  @Argument(help: "The set of packets, in the words above.")
  var packets: String

  @Option(help: "The expected verdict of every packet: accept, drop or queue.")
  var verdict: String?

  @Option(help: "Consider only packets at this hook: INPUT, FORWARD or OUTPUT.")
  var hook: String?

  @Option(help: "Where arriving packets come from: outside (what the default route of --host leads to) or NETWORK/PREFIX. Needs --host.")
  var from: String?

  @Option(help: "The address to which packets are sent, or to which the nat table translates them.")
  var to: String?

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @OptionGroup var colours: ColourOptions

  func run() throws {
    let wanted = try verdict.map { text in
      guard let verdict = RulesetWalk.Verdict(rawValue: text.lowercased()), verdict != .unknown else {
        throw CommandFailure("--verdict \(text): the verdicts are accept, drop and queue")
      }
      return verdict
    }
    let parsed = try RulesetInput.sound(file, families, base, colours.colour, for: .reading)
    let words = try QueryWords(packets)
    var hooks = words.hooks
    if let hook {
      guard let named = Hook(name: hook.uppercased()), [.input, .forward, .output].contains(named) else {
        throw CommandFailure("--hook \(hook): the hooks are INPUT, FORWARD and OUTPUT")
      }
      hooks = [named]
    }
    let condition = try condition(words, parsed.ruleset.family)
    let family = parsed.ruleset.family
    let host = try self.host()
    let (origin, destination) = (try origin(family, isHostGiven: host != nil), try destination(family))
    let answers = WaitingLine().during("searching the packets in \(file)") {
      let rules = QuestionRules(parsed.ruleset, on: host)
      return hooks.map { PacketQuestion(rules, condition, at: $0, from: origin, to: destination) }
    }
    let report = QueryReport(answers, parsed.ruleset, parsed.file)
    switch format {
    case .json: try Console.print(JSONText.encode(report))
    case .text: try Console.print(report.text)
    }
    if let wanted, !answers.allSatisfy({ $0.isComplete && $0.verdicts.isSubset(of: [wanted]) }) { throw ExitStatus.findings.code }
  }

  /// The host whose routes lead the packets; nil if none is given.
  private func host() throws -> Host? {
    let cache = InputCache()
    let machine = try hosts.machine(colours.colour, includesRules: false, try WorldOptions.parse([]), cache)
    let host = hosts.isGiven ? try machine?.simulator.host ?? hosts.read(arrivals: [], colours.colour, cache) : nil
    if let host, host.missing.contains(.routes) {
      throw CommandFailure("the routes of the host are not known: add `routes' to its description")
    }
    return host
  }

  /// Where the packets come from.
  private func origin(_ family: Family, isHostGiven: Bool) throws -> PacketOrigin? {
    guard let from else { return nil }
    guard isHostGiven else { throw CommandFailure("--from needs --host: its routes say on which interface the packets arrive") }
    if from == "outside" { return .outside }
    let width = family == .ipv4 ? 32 : 128
    let parts = from.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]), parts.count < 3, address.family == family,
      let length = parts.count == 1 ? width : Int(parts[1]), (0...width).contains(length)
    else { throw CommandFailure("--from \(from): write outside, or a network such as 192.0.2.0/24") }
    return .network(address, prefixLength: length)
  }

  /// The address to which the packets are sent or translated.
  private func destination(_ family: Family) throws -> IPAddress? {
    guard let to else { return nil }
    guard let address = IPAddress(to), address.family == family else {
      throw CommandFailure("--to \(to): this is no address of the family")
    }
    return address
  }

  /// The packets as a condition: that of a rule with these matches.
  private func condition(_ words: QueryWords, _ family: Family) throws -> Condition {
    let text = "*mangle\n:query - [0:0]\n-A query \(words.matches)\nCOMMIT\n"
    let source = SourceFile(name: "query", bytes: Array(text.utf8))
    let parsed = RulesetParser(registry: .installed, names: .offline, family: family).parse(source)
    guard !parsed.hasErrors, let rule = parsed.ruleset.tables.first?[chain: "query"]?.rules.first else {
      let reason = parsed.diagnostics.first { $0.severity == .error }?.message ?? "not a set of packets"
      throw CommandFailure("the packets `\(packets)': \(reason)")
    }
    var parts = [rule.condition(family)]
    if !words.isLocal, !words.matches.contains("--mark") { parts.append(.equals(.mark, 0)) }
    return .all(parts)
  }
}
