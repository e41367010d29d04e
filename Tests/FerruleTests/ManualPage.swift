import Foundation

/// A command as `ferrule --experimental-dump-help` describes it in JSON.
struct CommandDescription: Decodable {
  struct Tool: Decodable {
    let command: CommandDescription
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      let kind, name: String
    }

    let kind: String
    let abstract, valueName, defaultValue: String?
    let allValues: [String]?
    let names: [Name]?
    let isOptional, isRepeating, shouldDisplay: Bool
  }

  let commandName: String
  let abstract, discussion: String?
  let arguments: [Argument]?
  let subcommands: [CommandDescription]?

  /// Reads the description of the whole program.
  static func tool(_ json: String) throws -> CommandDescription { try JSONDecoder().decode(Tool.self, from: Data(json.utf8)).command }
}

/// The manual page of a command in the macros of man(7), made from the command's definition alone.
struct ManualPage {
  let command: CommandDescription
  /// The program whose sub-command it is; nil for the program itself.
  let parent: CommandDescription?

  /// The name under which `man` finds the page.
  var name: String { (parent.map { $0.commandName + "-" } ?? "") + command.commandName }

  /// The page, one for the program and one for each of its sub-commands.
  static func all(of program: CommandDescription) -> [ManualPage] {
    let commands = (program.subcommands ?? []).filter { $0.commandName != "help" }
    return [ManualPage(command: program, parent: nil)] + commands.map { ManualPage(command: $0, parent: program) }
  }

  /// Shows a text as it is: groff reads none of its characters as a request or an escape.
  static func plain(_ text: some StringProtocol) -> String {
    let escapes: [Character: String] = ["\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"]
    let escaped = text.map { escapes[$0] ?? String($0) }.joined()
    return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
  }

  private static func bold(_ text: some StringProtocol) -> String { "\\fB\(plain(text))\\fR" }
  private static func variable(_ text: some StringProtocol) -> String { "\\fI\(plain(text))\\fR" }

  /// A section of the discussion: its lines up to the next line in capitals.
  private struct Section {
    var title: String
    var lines: [Substring]

    /// Paragraphs are filled, lines that are indented are shown as they are.
    var body: [String] {
      var body: [String] = []
      var isExample = false
      for line in lines {
        let indented = line.hasPrefix("  ")
        if indented != isExample { body += indented ? [".PP", ".nf"] : [".fi", ".PP"] }
        isExample = indented
        body.append(line.isEmpty ? ".PP" : ManualPage.plain(indented ? line.dropFirst(2) : line))
      }
      return body + (isExample ? [".fi"] : [])
    }
  }

  private var sections: [Section] {
    var sections = [Section(title: "DESCRIPTION", lines: [])]
    for line in (command.discussion ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
      if line.first?.isUppercase == true, line == line.uppercased() {
        sections.append(Section(title: String(line), lines: []))
      } else {
        sections[sections.count - 1].lines.append(line)
      }
    }
    for index in sections.indices {
      while sections[index].lines.last?.isEmpty == true { sections[index].lines.removeLast() }
    }
    return sections
  }

  private var shown: [CommandDescription.Argument] { (command.arguments ?? []).filter(\.shouldDisplay) }

  /// `-4, --ipv4`, `--host host`, or a positional argument's name.
  private static func tag(_ argument: CommandDescription.Argument) -> String {
    let value = variable(argument.valueName ?? "")
    guard argument.kind != "positional" else { return value }
    let names = (argument.names ?? []).map { bold(($0.kind == "long" ? "--" : "-") + $0.name) }.joined(separator: ", ")
    return argument.kind == "option" ? "\(names) \(value)" : names
  }

  private static func entry(_ argument: CommandDescription.Argument) -> [String] {
    var text = argument.abstract ?? ""
    if let values = argument.allValues { text += " One of: \(values.joined(separator: ", "))." }
    if argument.kind != "flag", let value = argument.defaultValue { text += " Default: \(value)." }
    if argument.isRepeating, argument.kind == "option" { text += " May be given more than once." }
    return [".TP", tag(argument), plain(text)]
  }

  private var synopsis: String {
    let called = Self.bold((parent.map { $0.commandName + " " } ?? "") + command.commandName)
    if parent == nil { return "\(called) \(Self.variable("command")) [\(Self.variable("options"))] [\(Self.variable("arguments"))]" }
    let positional = shown.filter { $0.kind == "positional" }.map { argument in
      let name = Self.variable(argument.valueName ?? "") + (argument.isRepeating ? " ..." : "")
      return argument.isOptional ? "[\(name)]" : name
    }
    return ([called, "[\(Self.variable("options"))]"] + positional).joined(separator: " ")
  }

  /// The page's text; `version` is what `ferrule --version` prints.
  func text(version: String, siblings: [ManualPage]) -> String {
    let abstract = command.abstract ?? ""
    var lines = [
      ".\\\" Made from the command's definition by: make grammar",
      ".TH \(name.uppercased().replacing("-", with: "\\-")) 1 \"\" \"ferrule \(version)\" \"Ferrule\"",
      ".SH NAME", "\(Self.plain(name)) \\- \(Self.plain(abstract.hasSuffix(".") ? abstract.dropLast() : abstract[...]))",
      ".SH SYNOPSIS", synopsis,
    ]
    let sections = self.sections
    let isLate = { (section: Section) in ["EXIT STATUS", "EXAMPLES"].contains(section.title) }
    func add(_ section: Section) { if !section.lines.isEmpty { lines += [".SH \(Self.plain(section.title))"] + section.body } }
    sections.filter { !isLate($0) }.forEach(add)
    if parent == nil {
      lines.append(".SH COMMANDS")
      for page in siblings where page.parent != nil {
        lines += [".TP", "\(Self.bold(page.command.commandName))", Self.plain("\(page.command.abstract ?? "") See \(page.name)(1).")]
      }
    }
    for (title, isPositional) in [("ARGUMENTS", true), ("OPTIONS", false)] {
      let entries = shown.filter { ($0.kind == "positional") == isPositional }
      if !entries.isEmpty { lines += [".SH \(title)"] + entries.flatMap(Self.entry) }
    }
    sections.filter(isLate).forEach(add)
    let others = siblings.map(\.name).filter { $0 != name } + (parent == nil ? ["iptables-save"] : [])
    lines += [".SH SEE ALSO", others.map { "\(Self.bold($0))(\($0.hasPrefix("iptables") ? 8 : 1))" }.joined(separator: ",\n")]
    return lines.joined(separator: "\n") + "\n"
  }
}
