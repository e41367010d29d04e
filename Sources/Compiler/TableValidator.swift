public import Diagnostics
import Wire
public import XTables

/// Finds what the kernel would refuse, without asking a kernel.
///
/// The corresponding kernel function is `translate_table`, which answers EINVAL or ELOOP without a reason.
public struct TableValidator: Sendable {
  private let checksAll: Bool

  /// - Parameter checksAll: whether rules behind an unconditional verdict are checked too, as in nf_tables.
  public init(checksAll: Bool = false) { self.checksAll = checksAll }

  /// The errors of a table: a loop of jumps, rules over 65,535 bytes, and uses of extensions that the kernel refuses in that table,
  /// hook or with those values. Empty if the kernel accepts the table.
  public func diagnostics(for table: Table) -> [Diagnostic] {
    var check = RefusalCheck(checksAll: checksAll)
    let encoder = EntryEncoder(family: table.family)
    for (index, chain) in table.chains.enumerated() {
      for rule in chain.rules {
        let destination = rule.target.chain.flatMap { table.index(of: $0) }
        check.add(rule, size: encoder.size(rule), to: index, jumpingTo: destination, of: table)
      }
    }
    return check.diagnostics(for: table)
  }
}

/// Checks a table while its rules are read, in any order of chains. Only rules that the kernel might refuse are kept until the end of the
/// table, when the hooks are known from which each chain can be reached.
struct RefusalCheck: ~Copyable {
  /// A rule that is too big, or not accepted at every hook that might reach it.
  private struct Suspect {
    let rule: Rule
    let size: Int
    let chain: Int
    let position: Int
  }

  private var outlines: [ChainOutline] = []
  /// Whether rules behind an unconditional verdict are checked too, as in nf_tables.
  private let checksAll: Bool
  private var suspects: [Suspect] = []
  /// Whether a rule was too big so far.
  private(set) var hasBigRule = false

  /// - Parameter checksAll: whether rules behind an unconditional verdict are checked too, as in nf_tables.
  init(checksAll: Bool = false) { self.checksAll = checksAll }

  /// Adds the next rule of a chain.
  ///
  /// - Parameters:
  ///   - size: the size of the rule's entry in bytes.
  ///   - chain: the index of the chain in `table`.
  ///   - destination: the index of the chain that the rule jumps to.
  ///   - table: the table with all chains declared so far. Its rules are ignored.
  mutating func add(_ rule: Rule, size: Int, to chain: Int, jumpingTo destination: Int?, of table: Table) {
    let position = add(endsWalk: rule.endsWalk, to: chain, jumpingTo: destination)
    let isBig = size > Int(UInt16.max)
    if isBig { hasBigRule = true }
    if isBig || !Self.isAccepted(rule, in: chain, of: table) {
      suspects.append(Suspect(rule: rule, size: size, chain: chain, position: position))
    }
  }

  /// Adds the next rule of a chain, which is known to be accepted and not too big.
  ///
  /// - Parameters:
  ///   - endsWalk: ``Rule/endsWalk`` of the rule.
  /// - Returns: the number of the rules before it that packets can pass.
  @discardableResult
  mutating func add(endsWalk: Bool, to chain: Int, jumpingTo destination: Int?) -> Int {
    while outlines.count <= chain { outlines.append(ChainOutline(isWhole: checksAll)) }
    let position = outlines[chain].walked
    outlines[chain].add(endsWalk: endsWalk, jumpingTo: destination)
    return position
  }

  /// Whether the kernel accepts a rule at every hook that might reach its chain.
  static func isAccepted(_ rule: Rule, in chain: Int, of table: Table) -> Bool {
    // A user chain may be reached from any hook of the table. A rule that is accepted at all hooks is accepted at each.
    let hooks = table.chains[chain].hook.map { HookMask($0) } ?? table.name.hookMask
    return rule.isAccepted(at: rule.site(in: table.name, table.family, hooks: hooks))
  }

  /// The errors of the table, whose rules were all added.
  ///
  /// - Parameter table: the complete table. Its rules are used only for the place of a loop.
  consuming func diagnostics(for table: Table) -> [Diagnostic] {
    while outlines.count < table.chains.count { outlines.append(ChainOutline(isWhole: checksAll)) }
    let reach = ChainReach(table, outlines)
    var result: [Diagnostic] = []
    if let loop = reach.loop { result.append(Self.diagnostic(loop, table)) }
    for suspect in suspects {
      if suspect.size > Int(UInt16.max) { result.append(Self.diagnostic(tooBig: suspect.rule, suspect.size)) }
      let hooks = suspect.position < reach.walked[suspect.chain] ? reach.hooks[suspect.chain] : []
      suspect.rule.forEachRefusal(at: suspect.rule.site(in: table.name, table.family, hooks: hooks)) { error in
        result.append(
          Diagnostic(
            error.id, .error, error.message, at: error.range ?? suspect.rule.source ?? SourceRange(0..<0),
            notes: error.hint.map { [Diagnostic.Note($0)] } ?? [], legacyStatus: .otherProblem))
      }
    }
    return result
  }

  private static func diagnostic(_ loop: ChainReach.Loop, _ table: Table) -> Diagnostic {
    let names = loop.chains + [loop.chains[0]]
    let rules = loop.chains.last.flatMap { table[chain: $0] }?.rules ?? []
    let rule = rules.indices.contains(loop.rule) ? rules[loop.rule] : nil
    return Diagnostic(
      "chain-loop", .error, "the jumps between chains form a loop: \(names.joined(separator: " → "))",
      at: rule?.source ?? table.source ?? SourceRange(0..<0),
      notes: [Diagnostic.Note("the kernel refuses a table with a loop that a packet can reach (ELOOP)")],
      legacyStatus: .otherProblem)
  }

  private static func diagnostic(tooBig rule: Rule, _ size: Int) -> Diagnostic {
    Diagnostic(
      "rule-too-big", .error, "the rule needs \(size) bytes in the kernel's table; at most \(UInt16.max) are possible",
      at: rule.source ?? SourceRange(0..<0), notes: [Diagnostic.Note("split the rule: put some of its matches into a chain of their own")],
      legacyStatus: .otherProblem)
  }
}

extension Rule {
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

  /// Calls `body` with the error of each match or target that the kernel refuses at `site`.
  fileprivate func forEachRefusal(at site: RuleSite, _ body: (OptionError) -> Void) {
    func check(_ use: ExtensionUse) {
      do throws(OptionError) { try use.descriptor.check(use.payload, site) } catch { body(error) }
    }
    for match in matches { check(match) }
    if case .use(let use) = target { check(use) }
  }
}
