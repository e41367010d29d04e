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
      Without an argument, lists all checks of `ferrule lint' by group. A name of several things, such as SET, is explained as each of them.

      EXIT STATUS
        0  success
        2  there is no such finding, match or target

      EXAMPLES
        ferrule explain FE005
        ferrule explain unknown-option
        ferrule explain packet-path
        ferrule explain conntrack
        ferrule explain -j DROP
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

  @Argument(
    help:
      "The code or id of a finding, such as FE005 or unknown-option; the name of a group of checks, a match, a target or a verdict; or packet-path for the hooks and their tables."
  )
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
    } else if let group = CheckGroup(rawValue: code) {
      let checks = CheckList.all.filter { $0.group == group }
      try Console.print(
        format == .text ? CheckExplanation.index(of: group) : JSONText.encode(checks.map { CheckExplanation($0) }))
    } else if try explainByName(code) {
      return
    } else {
      let registry = Registry.installed
      let names = asked.flatMap { registry.names(.match, $0) + registry.names(.target, $0) }
      let pages = CheckList.all.flatMap { [$0.code, $0.id] } + DiagnosticCatalogue.ids + ["packet-path"]
      let known = pages + CheckGroup.allCases.map(\.rawValue) + VerdictExplanation.all.map(\.name) + names
      throw CommandFailure(notFound("there is no finding or page `\(code)'", Spelling.nearest(to: code, in: known)))
    }
  }

  private var asked: [Family] { families.isIPv6 ? [.ipv6] : families.isIPv4 ? [.ipv4] : [.ipv4, .ipv6] }

  /// Explains a verdict, a match and a target of this name; false if there is none.
  private func explainByName(_ name: String) throws -> Bool {
    if let verdict = VerdictExplanation.named(name) {
      try Console.print(format == .text ? verdict.text : JSONText.encode(verdict))
      return true
    }
    let found = [ExtensionDescriptor.Kind.match, .target].compactMap { self.found($0, name) }
    for (index, descriptor) in found.enumerated() {
      let page = ExtensionExplanation(descriptor)
      if index > 0, format == .text { try Console.print("\n") }
      try Console.print(format == .text ? Escaping.lines(page.text) : JSONText.encode(page))
    }
    return !found.isEmpty
  }

  private func found(_ kind: ExtensionDescriptor.Kind, _ name: String) -> ExtensionDescriptor? {
    let registry = Registry.installed
    return asked.lazy.compactMap { kind == .match ? registry.match(named: name, $0) : registry.target(named: name, $0) }.first
  }

  private func explain(_ kind: ExtensionDescriptor.Kind, _ name: String) throws {
    if kind == .target, let verdict = VerdictExplanation.named(name) {
      return try Console.print(format == .text ? verdict.text : JSONText.encode(verdict))
    }
    guard let found = found(kind, name) else {
      let registry = Registry.installed
      let known = asked.flatMap { registry.names(kind, $0) } + (kind == .target ? VerdictExplanation.all.map(\.name) : [])
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
