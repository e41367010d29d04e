import Analysis
import Diagnostics
import Evaluator
import Netfilter
import Wire
import XTables

/// The answer of `ferrule query`, by hook.
struct QueryReport: Encodable {
  struct Rule: Encodable {
    let table: String
    let line: Int?
    let text: String
  }

  struct Region: Encodable {
    /// The packets in the words of a question; empty for all of them.
    let packets: String
    /// Whether the words name no other packets.
    let isExact: Bool
    let witness: String
    let verdict: String
    /// The addresses and ports of the packet after the nat table; nil if they stay.
    let translated: String?
    /// What becomes of the packet on the host of --host; nil without one.
    let onHost: String?
    /// The rules that acted on the packet, in order; empty if only policies did.
    let rules: [Rule]
  }

  struct Answer: Encodable {
    let hook: String
    /// The verdicts that are possible.
    let can: [String]
    /// The verdict of every packet, if it is proved to be one.
    let must: String?
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
        return Region(
          packets: answer.region.text, isExact: answer.region.isExact, witness: line, verdict: answer.walk.verdict.rawValue,
          translated: answer.walk.translated?.brief, onHost: answer.onHost?.text, rules: rules)
      }
      let can = question.verdicts.map(\.rawValue).sorted()
      return Answer(
        hook: question.hook.name, can: can, must: question.isComplete && can.count == 1 ? can[0] : nil,
        extent: question.isEmpty ? "none" : question.isComplete ? "all" : "some", regions: regions)
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
        lines.append("  \(region.verdict) \(region.isExact ? "=" : "~") \(region.packets.isEmpty ? "any packet" : region.packets)")
        lines.append("    \(region.witness) => \(region.verdict)")
        if let translated = region.translated { lines.append("    translated: \(translated)") }
        if let onHost = region.onHost { lines.append("    on the host: \(onHost)") }
        for rule in region.rules { lines.append("    \(rule.table) line \(rule.line ?? 0): \(rule.text)") }
      }
    }
    return lines.reduce(into: "") { $0 += "\($1)\n" }
  }
}
