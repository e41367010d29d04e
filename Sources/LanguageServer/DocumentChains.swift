import Netfilter
import Syntax
import XTables

/// A chain named at a place of a document.
struct ChainPlace: Sendable {
  let table: TableName
  let mention: LineOutline.Mention
  let line: Int

  var start: DocumentPlace { DocumentPlace(line: line, byte: mention.range.lowerBound) }
}

/// The lines of one table, from `*table` to `COMMIT` or the end of the document.
struct TableSection: Sendable {
  let name: TableName
  let lines: ClosedRange<Int>
}

extension TextDocument {
  /// The tables in the order of the lines. A table may come twice.
  var sections: [TableSection] {
    var sections: [TableSection] = []
    var open: (name: TableName, line: Int)?
    func close(at line: Int) {
      if let table = open { sections.append(TableSection(name: table.name, lines: table.line...max(table.line, line))) }
    }
    for (index, line) in lines.enumerated() {
      switch line.outline.kind {
      case .table:
        close(at: index - 1)
        open = line.outline.table.flatMap { TableName(rawValue: $0) }.map { ($0, index) }
      case .commit:
        close(at: index)
        open = nil
      default: continue
      }
    }
    close(at: lines.count - 1)
    return sections
  }

  /// The table of a line; nil outside of tables.
  func table(at line: Int) -> TableName? { sections.first { $0.lines.contains(line) }?.name }

  /// Every name of a chain in a table, in the order of the lines.
  func mentions(in table: TableName) -> [ChainPlace] {
    sections.filter { $0.name == table }.flatMap { section in
      section.lines.flatMap { line in lines[line].outline.mentions.map { ChainPlace(table: table, mention: $0, line: line) } }
    }
  }

  /// The names of a table's chains: the built-in ones, then those that the document declares, each once.
  func chains(in table: TableName) -> [String] {
    var names = table.hooks.map(\.name)
    var known = Set(names)
    for place in mentions(in: table) where place.mention.role == .declares && known.insert(place.mention.name).inserted {
      names.append(place.mention.name)
    }
    return names
  }

  /// The chain named at a place; nil if the name there is that of a target.
  func chain(at place: DocumentPlace) -> ChainPlace? {
    guard let table = table(at: place.line),
      let mention = lines[place.line].outline.mentions.first(where: { $0.range.contains(place.byte) || $0.range.upperBound == place.byte })
    else { return nil }
    if mention.role == .jumps, !chains(in: table).contains(mention.name) { return nil }
    return ChainPlace(table: table, mention: mention, line: place.line)
  }

  /// The places that name a chain.
  func places(of chain: String, in table: TableName) -> [ChainPlace] { mentions(in: table).filter { $0.mention.name == chain } }
}

/// The rules of a chain, counted from the lines.
struct ChainCount: Sendable {
  private(set) var rules = 0
  private(set) var jumps = 0
  /// The counters of the rules and of the policy.
  private(set) var packets: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  /// Whether any line has counters.
  private(set) var isCounted = false

  /// Counts the chains of a document, each table by itself.
  static func all(in document: TextDocument) -> [TableName: [String: ChainCount]] {
    var counts: [TableName: [String: ChainCount]] = [:]
    for section in document.sections {
      for index in section.lines {
        let outline = document.lines[index].outline
        for mention in outline.mentions {
          counts[section.name, default: [:]][mention.name, default: ChainCount()].add(mention.role, outline)
        }
      }
    }
    return counts
  }

  private mutating func add(_ role: LineOutline.Role, _ outline: LineOutline) {
    switch role {
    case .jumps: jumps += 1
    case .changes where outline.kind == .command: rules += 1
    case .changes, .declares: break
    }
    guard role != .jumps, let counters = outline.counters else { return }
    isCounted = true
    packets = packets.addingReportingOverflow(counters.packets).partialValue
    bytes = bytes.addingReportingOverflow(counters.bytes).partialValue
  }

  /// The counts as a sentence: `3 rules, 2 jumps to it, 10 packets, 840 bytes`.
  var sentence: String {
    var parts = ["\(rules) rule\(rules == 1 ? "" : "s")"]
    if jumps > 0 { parts.append("\(jumps) jump\(jumps == 1 ? "" : "s") to it") }
    if isCounted { parts.append("\(packets) packets, \(bytes) bytes") }
    return parts.joined(separator: ", ")
  }
}
