import Diagnostics
public import Wire
public import XTables

/// Formats a ruleset as iptables-save prints it. Comments and blank lines stay above the same line.
public struct Formatter: Sendable {
  /// The names of protocols that the output uses.
  public let names: NameDatabase

  /// Creates a formatter.
  public init(names: NameDatabase) { self.names = names }

  /// The formatted file.
  ///
  /// - Parameter verbatim: the offsets of rules that are copied from the file unchanged.
  /// - Precondition: the file was parsed without an error, because rules with errors would be lost.
  public func format(_ parsed: ParsedRuleset, verbatim: Set<UInt32> = []) -> [UInt8] {
    precondition(!parsed.hasErrors, "a ruleset with errors cannot be formatted without losing its rules")
    var run = FormatterRun(parsed, printer(parsed.ruleset.family), verbatim)
    return run.format()
  }

  /// The printer for rules of a file that will be loaded again.
  public func printer(_ family: Family) -> RulePrinter { RulePrinter(family: family, names: names, isReloadable: true) }
}

private struct FormatterRun {
  private let parsed: ParsedRuleset
  private let printer: RulePrinter
  /// Comments and blank lines, by the offset of the line below them.
  private var trivia: [UInt32: [UInt8]] = [:]
  private let lineStarts: [UInt32]
  /// Whether the output has counters: true if the file has any.
  private let hasCounters: Bool
  private var output: [UInt8] = []
  private let verbatim: Set<UInt32>
  private var lastVerbatim: UInt32?

  init(_ parsed: ParsedRuleset, _ printer: RulePrinter, _ verbatim: Set<UInt32>) {
    self.verbatim = verbatim
    self.parsed = parsed
    self.printer = printer
    lineStarts = parsed.syntax.lines.map(\.range.lowerBound)
    hasCounters = parsed.syntax.lines.contains {
      $0.kind == .command && parsed.file.bytes[Int($0.range.lowerBound)] == UInt8(ascii: "[")
    }
    collectTrivia()
  }

  private mutating func collectTrivia() {
    var pending: [UInt8] = []
    for line in parsed.syntax.lines {
      if line.kind == .blank || line.kind == .comment {
        pending += parsed.file.bytes[line.range.range]
      } else if !pending.isEmpty {
        trivia[line.range.lowerBound] = pending
        pending = []
      }
    }
    if !pending.isEmpty { trivia[UInt32(parsed.file.bytes.count)] = pending }
  }

  mutating func format() -> [UInt8] {
    for line in parsed.syntax.lines where line.kind == .commit {
      guard let table = parsed.ruleset.tables.first(where: { $0.commit?.lowerBound == line.range.lowerBound }) else { continue }
      write(table, endingAt: line.range.lowerBound)
    }
    writeTrivia(upTo: UInt32(parsed.file.bytes.count))
    return output
  }

  private mutating func write(_ table: Table, endingAt commit: UInt32) {
    if let start = table.source { writeTrivia(upTo: start.lowerBound) }
    write("*\(table.name.rawValue)")
    let chains = table.chainsInSaveOrder
    for chain in chains {
      writeTrivia(above: chain.source)
      output += printer.declaration(chain)
      output.append(UInt8(ascii: "\n"))
    }
    for chain in chains {
      for rule in chain.rules {
        writeTrivia(above: rule.source)
        if let source = rule.source, verbatim.contains(source.lowerBound) {
          // Several rules from one line are written once, as the line.
          if source.lowerBound != lastVerbatim { output += parsed.file.bytes[source.range] + [UInt8(ascii: "\n")] }
          lastVerbatim = source.lowerBound
          continue
        }
        if hasCounters { output += Array("[\(rule.counters.packets):\(rule.counters.bytes)] ".utf8) }
        output += printer.line(rule, chain: chain.name)
        output.append(UInt8(ascii: "\n"))
      }
    }
    writeTrivia(upTo: commit)
    write("COMMIT")
  }

  private mutating func write(_ line: String) {
    output += Array(line.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  /// Writes the comments and blank lines directly above the line of a chain or rule.
  private mutating func writeTrivia(above source: SourceRange?) {
    guard let source, let line = lineStart(of: source.lowerBound) else { return }
    if let bytes = trivia.removeValue(forKey: line) { output += bytes }
  }

  /// Writes all remaining comments and blank lines up to an offset, such as those of commands that leave no rule.
  private mutating func writeTrivia(upTo end: UInt32) {
    for start in trivia.keys.filter({ $0 <= end }).sorted() {
      output += trivia.removeValue(forKey: start) ?? []
    }
  }

  private func lineStart(of offset: UInt32) -> UInt32? {
    var low = 0
    var high = lineStarts.count - 1
    guard high >= 0 else { return nil }
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    return lineStarts[low]
  }
}
