import Diagnostics
public import Syntax
import Wire
public import XTables

/// Compiles iptables-save text while it is read. Only the entries are kept in memory: no text, no syntax, no rules.
///
/// A text that needs any diagnostic, or that changes existing rules instead of appending new ones, is not compiled here. Then the
/// caller reads the whole text with ``RulesetParser``, ``TableValidator`` and ``TableCompiler``, which report the problem, or
/// compile the text if there is none.
public struct StreamCompiler {
  private var stream: RulesetStream
  private let sink: EntrySink

  /// Creates a compiler that reads text by the settings of `parser`.
  ///
  /// - Parameters:
  ///   - parser: registry, names, family and options of the reading.
  ///   - length: the size of the text in bytes; 0 if it is not known.
  ///   - keepsEntries: false if only ``tableNames()`` is needed. Entries are then dropped after their check, and memory does not
  ///     grow with the text.
  public init(_ parser: RulesetParser, length: Int = 0, keepsEntries: Bool = true) {
    sink = EntrySink(length: length, keepsEntries: keepsEntries)
    stream = RulesetStream(parser, into: sink)
  }

  /// Reads the next bytes of the text.
  ///
  /// - Parameter piece: the next bytes, cut anywhere; empty at the end of the text.
  /// - Returns: false if the text must be read whole by ``RulesetParser``.
  public mutating func add(_ piece: [UInt8]) -> Bool {
    stream.read(piece)
    return stream.isPlain && sink.isSound
  }

  /// The compiled tables in the order of the text, after its end was added; nil if the text must be read whole.
  public consuming func blobs() -> [TableBlob]? { stream.isPlain && sink.isSound ? sink.blobs : nil }

  /// The names of the tables in the order of the text, after its end was added; nil if the text must be read whole.
  public consuming func tableNames() -> [TableName]? { stream.isPlain && sink.isSound ? sink.names : nil }

  /// Whether the text so far has a table.
  public var hasTables: Bool { !sink.names.isEmpty }

  /// Whether a rule so far names or creates a kernel object outside the tables, such as an accounting object.
  public var namesObjects: Bool { sink.namesObjects }

  /// The number of rules that were read by their shape, and not by the parser.
  package var shapedRules: Int { stream.shapedRules }

  /// Whether iptables-restore would print no notice for the text so far.
  public var isSilent: Bool { stream.isSilent }
}

/// Encodes the rules of each table, and checks them for what the kernel would refuse.
private final class EntrySink: RuleSink {
  private(set) var blobs: [TableBlob] = []
  private(set) var names: [TableName] = []
  /// Whether the kernel would accept everything so far.
  private(set) var isSound = true
  private(set) var namesObjects = false
  private let length: Int
  private let keepsEntries: Bool
  private var log: EntryLog?
  private var check: RefusalCheck?
  private var templates: [EntryTemplate] = []

  init(length: Int, keepsEntries: Bool) {
    self.length = length
    self.keepsEntries = keepsEntries
  }

  func begin(_ table: Table) {
    // Entries are rarely ten times as long as their text, and reserved memory that is never written is not used.
    log = EntryLog(table.family, capacity: keepsEntries ? length * 10 : 0)
    check = RefusalCheck()
  }

  func append(_ rules: [Rule], to chain: Int, of table: Table) {
    for rule in rules {
      let destination = rule.target.chain.flatMap { table.index(of: $0) }
      let before = log?.byteCount ?? 0
      log?.append(rule, to: chain, jumpingTo: destination)
      let size = (log?.byteCount ?? 0) - before
      if !keepsEntries { log?.forget() }
      if !namesObjects { namesObjects = rule.namesObjects }
      check?.add(rule, size: size, to: chain, jumpingTo: destination, of: table)
    }
    if check?.hasBigRule == true { isSound = false }
  }

  func learn(_ shape: RuleShape, as index: Int, from text: [UInt8], to chain: Int, of table: Table) -> Bool {
    let rule = shape.rule
    let encoder = EntryEncoder(family: table.family)
    let template = EntryTemplate(shape, encoder)
    templates.append(template)
    var entry: [UInt8] = []
    template.append(shape.values, of: text, nil, to: &entry)
    return !rule.namesObjects && entry.count <= UInt16.max && RefusalCheck.isAccepted(rule, in: chain, of: table)
      && entry == encoder.entry(rule)
  }

  func append(_ rule: ShapedRule, _ values: [PlainValue], of text: [UInt8], to chain: Int) {
    let template = templates[rule.shape]
    check?.add(endsWalk: template.endsWalk, to: chain, jumpingTo: rule.destination)
    guard keepsEntries else { return }
    log?.append(template, values, of: text, rule.counters, to: chain, jumpingTo: rule.destination)
  }

  func forgetShapes() { templates.removeAll(keepingCapacity: true) }

  func end(_ table: Table) {
    guard isSound, let log = log.take(), let check = check.take() else { return }
    isSound = check.diagnostics(for: table).isEmpty
    guard isSound else { return }
    names.append(table.name)
    guard keepsEntries else { return }
    let blob = log.blob(table)
    if let index = blobs.firstIndex(where: { $0.name == table.name }) {
      blobs[index] = blob
    } else {
      blobs.append(blob)
    }
  }
}

extension Rule {
  /// Whether a match or the target names or creates an object that only the kernel knows.
  fileprivate var namesObjects: Bool {
    matches.contains { $0.namesObjects } || { if case .use(let use) = target { use.namesObjects } else { false } }()
  }
}

extension ExtensionUse {
  fileprivate var namesObjects: Bool {
    descriptor.objects(payload).contains { use in
      switch use {
      case .needs, .makes, .changesSet: true
      case .needsSet: false
      }
    }
  }
}
