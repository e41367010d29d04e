import Conntrack
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

  /// Whether a rule so far names or creates a kernel object outside the tables, such as an ipset or a hashlimit table.
  public var namesObjects: Bool { sink.namesObjects }

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
  private var outlines: [ChainOutline] = []
  /// Rules that the kernel accepts at some hooks only, in user chains. The end of the table decides, when the hooks of each chain
  /// are known.
  private var undecided: [(rule: Rule, chain: Int, position: Int)] = []

  init(length: Int, keepsEntries: Bool) {
    self.length = length
    self.keepsEntries = keepsEntries
  }

  func begin(_ table: Table) {
    // Entries are rarely ten times as long as their text, and reserved memory that is never written is not used.
    log = EntryLog(table.family, capacity: keepsEntries ? length * 10 : 0)
    outlines = []
    undecided = []
  }

  func append(_ rules: [Rule], to chain: Int, of table: Table) {
    while outlines.count < table.chains.count { outlines.append(ChainOutline()) }
    for rule in rules {
      let destination = rule.target.chain.flatMap { table.index(of: $0) }
      let before = log?.byteCount ?? 0
      log?.append(rule, to: chain, jumpingTo: destination)
      if (log?.byteCount ?? 0) - before > Int(UInt16.max) { isSound = false }
      if !keepsEntries { log?.forget() }
      if !namesObjects { namesObjects = rule.namesObjects }
      let position = outlines[chain].walked
      outlines[chain].add(rule, jumpingTo: destination)
      // A user chain may be reached from any hook of the table. A rule that is accepted at all hooks is accepted at each.
      let hooks = table.chains[chain].hook.map { HookMask($0) } ?? table.name.hookMask
      if !rule.isAccepted(at: rule.site(in: table.name, table.family, hooks: hooks)) {
        undecided.append((rule, chain, position))
      }
    }
  }

  func end(_ table: Table) {
    while outlines.count < table.chains.count { outlines.append(ChainOutline()) }
    guard isSound, let log = log.take() else { return }
    let reach = ChainReach(table, outlines)
    isSound =
      reach.loop == nil
      && undecided.allSatisfy { rule, chain, position in
        let hooks = position < reach.walked[chain] ? reach.hooks[chain] : []
        return rule.isAccepted(at: rule.site(in: table.name, table.family, hooks: hooks))
      }
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
  fileprivate var namesObjects: Bool {
    if matches.contains(where: { !$0.descriptor.objects($0.payload).isEmpty }) { return true }
    guard case .use(let use) = target else { return false }
    return !use.descriptor.objects(use.payload).isEmpty
  }

  /// Whether the kernel accepts every match and the target at `site`.
  fileprivate func isAccepted(at site: RuleSite) -> Bool {
    do throws(OptionError) {
      for match in matches { try match.descriptor.check(match.payload, site) }
      if case .use(let use) = target { try use.descriptor.check(use.payload, site) }
      return true
    } catch {
      return false
    }
  }
}
