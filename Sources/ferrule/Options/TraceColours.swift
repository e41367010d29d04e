import Evaluator
import Netfilter

/// The colours of a packet's way on a terminal. What is coloured has been escaped before.
enum TraceColours {
  private static func code(_ verdict: PacketVerdict) -> String {
    switch verdict {
    case .sent, .delivered: "1;32"
    case .unknown: "1;33"
    case .dropped, .lost, .queued, .absorbed, .refused: "1;31"
    }
  }

  private static func painted(_ text: some StringProtocol, _ code: String) -> String { "\u{1B}[\(code)m\(text)\u{1B}[0m" }

  static func painted(_ text: String, _ verdict: PacketVerdict) -> String { painted(text, code(verdict)) }

  /// The lines of a trace: names of hooks, and the verdict of each packet, in the order of the packets.
  static func painted(_ trace: String, _ report: PathReport) -> String {
    var verdicts = report.packets.map(\.verdict)[...]
    let lines = trace.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let blanks = line.prefix { $0 == " " }
      let rest = line.dropFirst(blanks.count)
      // The title is the user's text.
      guard !blanks.isEmpty else { return String(line) }
      if rest.hasPrefix("→ "), let verdict = verdicts.popFirst() { return blanks + painted(rest, code(verdict)) }
      let word = rest.prefix { $0 != " " }
      guard Hook(name: word) != nil else { return String(line) }
      return blanks + painted(word, "1;36") + rest.dropFirst(word.count)
    }
    return lines.joined(separator: "\n")
  }
}
