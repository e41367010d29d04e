import Analysis
import ArgumentParser
import Conntrack
import Diagnostics
import Kernel
import Linter
import Netfilter
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

      Routing is not considered: packets that arrive are followed to INPUT and to FORWARD (with `out', to FORWARD only). Each answer has a \
      packet that was run through the tables. `all' means: it is proved that no packet gets another verdict. `some' means: others may.

      EXIT STATUS
        0 answered; with --verdict: every packet gets it, 1 with --verdict: some packet does not, or that is not decided, 2 bad input

      EXAMPLES
        ferrule query rules.v4 'in eth0 tcp dport 22'
        ferrule query --verdict drop rules.v4 'in wan tcp dport 3306'
        ferrule query --format json rules.v4 'local udp dport 53'
        ferrule query rules.v4 -- '-i eth0 -p tcp -m multiport --dports 80,443'
      """)

  @OptionGroup var families: FamilyOptions
  @OptionGroup var base: BaseOptions

  @Argument(help: "The ruleset, in the format of iptables-save; - means standard input.", completion: .file())
  var file: String

  @Argument(help: "The set of packets, in the words above.")
  var packets: String

  @Option(help: "The expected verdict of every packet: accept, drop or queue.")
  var verdict: String?

  @Option(help: "Consider only packets at this hook: INPUT, FORWARD or OUTPUT.")
  var hook: String?

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
    let answers = hooks.map { PacketQuestion(parsed.ruleset, condition, at: $0) }
    let report = QueryReport(answers, parsed.ruleset, parsed.file)
    switch format {
    case .json: try Console.print(JSONText.encode(report))
    case .text: try Console.print(report.text)
    }
    if let wanted, !answers.allSatisfy({ $0.isComplete && $0.verdicts.isSubset(of: [wanted]) }) { throw ExitStatus.findings.code }
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

/// The words of a question, as matches of a rule.
struct QueryWords {
  private(set) var matches = ""
  private(set) var isLocal = false
  private var hasOutput = false

  /// The hooks to which the packets may come.
  var hooks: [Hook] { isLocal ? [.output] : hasOutput ? [.forward] : [.input, .forward] }

  init(_ text: String) throws {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    // A line break would begin another line of the ruleset that is parsed.
    guard !text.contains(where: { $0.isNewline || $0 == "\0" }) else { throw CommandFailure("the packets: a line break is not allowed") }
    if words.contains(where: { $0.hasPrefix("-") }) {
      guard !words.contains(where: { ["-j", "-g", "--jump", "--goto", "-A", "-t"].contains($0) }) else {
        throw CommandFailure("the packets `\(text)': only matches are allowed, no chain and no target")
      }
      matches = text
      hasOutput = words.contains("-o")
      isLocal = hasOutput && !words.contains("-i")
    } else {
      try read(words)
    }
    if !matches.contains("state") { matches += " -m conntrack --ctstate NEW" }
  }

  private mutating func read(_ words: [String]) throws {
    var parts: [String] = []
    var protocolName: String?
    var ports: [String] = []
    var index = 0
    var isInverted = false
    func value() throws -> String {
      guard index + 1 < words.count else { throw CommandFailure("the packets: `\(words[index])' needs a value") }
      return words[index + 1]
    }
    while index < words.count {
      let inversion = isInverted ? "! " : ""
      var length = 2
      switch words[index] {
      case "not", "!":
        isInverted = true
        index += 1
        continue
      case "local":
        isLocal = true
        length = 1
      case "in": parts.append("\(inversion)-i \(try value())")
      case "out":
        hasOutput = true
        parts.append("\(inversion)-o \(try value())")
      case "src": parts.append("\(inversion)-s \(try value())")
      case "dst": parts.append("\(inversion)-d \(try value())")
      case "sport": ports.append("\(inversion)--sport \(try value())")
      case "dport": ports.append("\(inversion)--dport \(try value())")
      case "state": parts.append("-m conntrack \(inversion)--ctstate \(try value())")
      case "mark": parts.append("-m mark \(inversion)--mark \(try value())")
      default:
        protocolName = words[index]
        parts.append("\(inversion)-p \(words[index])")
        length = 1
      }
      isInverted = false
      index += length
    }
    if !ports.isEmpty {
      guard let protocolName, ["tcp", "udp", "sctp", "dccp", "udplite"].contains(protocolName) else {
        throw CommandFailure("the packets: `sport' and `dport' need tcp, udp, sctp, dccp or udplite")
      }
      parts.append("-m \(protocolName) " + ports.joined(separator: " "))
    }
    matches = parts.joined(separator: " ")
  }
}

/// The answer of `ferrule query`, by hook.
struct QueryReport: Encodable {
  struct Rule: Encodable {
    let table: String
    let line: Int?
    let text: String
  }

  struct Region: Encodable {
    let witness: String
    let verdict: String
    /// The rules that acted on the packet, in order; empty if only policies did.
    let rules: [Rule]
  }

  struct Answer: Encodable {
    let hook: String
    /// `all` if no packet gets another verdict than those of the regions, `some` if that is not proved, `none` if there is no such packet.
    let extent: String
    let regions: [Region]
  }

  let answers: [Answer]

  init(_ questions: [PacketQuestion], _ ruleset: Ruleset, _ file: SourceFile) {
    answers = questions.map { question in
      let regions = question.answers.compactMap { answer -> Region? in
        guard let line = answer.witness.line else { return nil }
        let rules = answer.walk.rules.compactMap { entry -> Rule? in
          guard let rule = ruleset[table: entry.table].map({ $0[entry.place] }) else { return nil }
          let number = rule.source.map { file.position(of: $0.range.lowerBound).line }
          return Rule(table: entry.table.rawValue, line: number, text: number.map { String(decoding: file.line($0), as: UTF8.self) } ?? "")
        }
        return Region(witness: line, verdict: answer.walk.verdict.rawValue, rules: rules)
      }
      return Answer(
        hook: question.hook.name, extent: question.isEmpty ? "none" : question.isComplete ? "all" : "some", regions: regions)
    }
  }

  /// The answer as text: a line for each hook, then its packets.
  var text: TerminalText {
    var lines: [TerminalText] = []
    for answer in answers {
      let verdicts = Set(answer.regions.map(\.verdict)).sorted().joined(separator: " or ")
      switch answer.extent {
      case "none": lines.append("\(answer.hook): no such packet")
      case "all": lines.append("\(answer.hook): all \(verdicts)")
      default: lines.append("\(answer.hook): some \(verdicts.isEmpty ? "undecided" : verdicts)")
      }
      for region in answer.regions {
        lines.append("  \(region.witness) => \(region.verdict)")
        for rule in region.rules { lines.append("    \(rule.table) line \(rule.line ?? 0): \(rule.text)") }
      }
    }
    return lines.reduce("") { "\($0)\($1)\n" }
  }
}
