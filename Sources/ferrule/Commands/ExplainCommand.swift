import ArgumentParser
import Diagnostics
import Evaluator
import Extensions
import Linter
import Wire
import XTables

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Explains a finding, a match, a target, or the path of a packet through the hooks.",
    discussion: """
      Without an argument, lists all checks of `ferrule lint'.

      EXIT STATUS
        0  success
        2  there is no such finding, match or target

      EXAMPLES
        ferrule explain FE005
        ferrule explain unknown-option
        ferrule explain packet-path
        ferrule explain -m conntrack
        ferrule explain -6 -j REJECT
      """)

  @OptionGroup var families: FamilyOptions

  @Option(name: [.customShort("m"), .long], help: "Explain this match, such as conntrack.")
  var match: String?

  @Option(name: [.customShort("j"), .customLong("jump")], help: "Explain this target, such as REJECT.")
  var target: String?

  @Option(help: "The output format.")
  var format = OutputFormat.text

  @Argument(help: "The code or id of a finding, such as FE005 or unknown-option; or packet-path for the hooks and their tables.")
  var code: String?

  func run() throws {
    if let match { return try explain(.match, match) }
    if let target { return try explain(.target, target) }
    guard let code else {
      switch format {
      case .text: return try Console.print(CheckExplanation.index)
      case .json: return try Console.print(JSONText.encode(CheckList.all.map { CheckExplanation($0) }))
      }
    }
    if code == "packet-path" {
      let page = PacketPath()
      try Console.print(format == .text ? page.text : JSONText.encode(page))
    } else if let check = CheckList.named(code) {
      let page = CheckExplanation(check)
      try Console.print(format == .text ? page.text : JSONText.encode(page))
    } else if let page = DiagnosticCatalogue.explanation(code) {
      try Console.print(format == .text ? page : JSONText.encode(["id": code, "text": page]))
    } else {
      let known = CheckList.all.flatMap { [$0.code, $0.id] } + DiagnosticCatalogue.ids + ["packet-path"]
      throw CommandFailure(notFound("there is no finding or page `\(code)'", Spelling.nearest(to: code, in: known)))
    }
  }

  private func explain(_ kind: ExtensionDescriptor.Kind, _ name: String) throws {
    let registry = Registry.installed
    let asked: [Family] = families.isIPv6 ? [.ipv6] : families.isIPv4 ? [.ipv4] : [.ipv4, .ipv6]
    let found = asked.lazy.compactMap { kind == .match ? registry.match(named: name, $0) : registry.target(named: name, $0) }.first
    guard let found else {
      let known = asked.flatMap { registry.names(kind, $0) }
      throw CommandFailure(notFound("there is no \(kind.rawValue) `\(name)'", Spelling.nearest(to: name, in: known)))
    }
    let page = ExtensionExplanation(found)
    // A foreign extension: libxtables supplies the text.
    try Console.print(format == .text ? Escaping.lines(page.text) : JSONText.encode(page))
  }

  private func notFound(_ sentence: TerminalText, _ nearest: String?) -> TerminalText {
    nearest.map { "\(sentence); did you mean \($0)?" } ?? sentence
  }
}
