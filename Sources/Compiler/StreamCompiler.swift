import Conntrack
import Diagnostics
public import Syntax
import Wire
public import XTables

/// Compiles iptables-save text as it comes: what is held is what comes out, the entries, and neither text, syntax nor rules.
///
/// A text that gives cause for any diagnostic, or edits rules rather than appending them, is not compiled here. Reading the whole
/// of it by ``RulesetParser``, ``TableValidator`` and ``TableCompiler`` says what is the matter, and compiles it where nothing is.
public struct StreamCompiler {
  private var stream: RulesetStream
  private let sink: EntrySink

  /// - Parameters:
  ///   - length: how many bytes the text has, where that is known.
  ///   - keepsEntries: false where nobody wants the entries of a rule once they have turned out to be possible: what is held does
  ///     not grow with the text then.
  public init(_ parser: RulesetParser, length: Int = 0, keepsEntries: Bool = true) {
    sink = EntrySink(length: length, keepsEntries: keepsEntries)
    stream = RulesetStream(parser, into: sink)
  }

  /// - Parameter piece: the text's next bytes, cut anywhere; none at its end.
  /// - Returns: whether it makes sense to go on.
  public mutating func add(_ piece: [UInt8]) -> Bool {
    stream.read(piece)
    return stream.isPlain && sink.isSound
  }

  /// The tables in the order in which they were written, when the end was added; nothing where the text must be read whole.
  public consuming func blobs() -> [TableBlob]? { stream.isPlain && sink.isSound ? sink.blobs : nil }

  /// The names of the tables in the order in which they were written, when the end was added; nothing where the text must be read
  /// whole.
  public consuming func tableNames() -> [TableName]? { stream.isPlain && sink.isSound ? sink.names : nil }

  /// Some rule so far names an object of the kernel beside the tables, or makes one.
  public var namesObjects: Bool { sink.namesObjects }

  /// iptables would print nothing beside.
  public var isSilent: Bool { stream.isSilent }
}

/// Puts the rules of each table into its entries, and holds them against what the kernel would refuse.
private final class EntrySink: RuleSink {
  private(set) var blobs: [TableBlob] = []
  private(set) var names: [TableName] = []
  /// The kernel would take everything so far.
  private(set) var isSound = true
  private(set) var namesObjects = false
  private let length: Int
  private let keepsEntries: Bool
  private var log: EntryLog?
  private var outlines: [ChainOutline] = []
  /// Rules that are sound from some hooks only, and lie in chains of which it is not known from where they are reached.
  private var undecided: [(rule: Rule, chain: Int, position: Int)] = []

  init(length: Int, keepsEntries: Bool) {
    self.length = length
    self.keepsEntries = keepsEntries
  }

  func begin(_ table: Table) {
    // Entries are seldom ten times as long as their text, and room that is never used costs nothing.
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
      // A chain of the user's may be reached from any hook of the table; what is allowed from all is allowed from each.
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
    isSound = reach.loop == nil && undecided.allSatisfy { rule, chain, position in
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

  /// Whether the kernel would take every match and the target there.
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
