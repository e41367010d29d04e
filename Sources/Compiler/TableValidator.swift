public import Diagnostics
import Wire
public import XTables

/// Finds what the kernel would refuse, without asking a kernel.
///
/// The corresponding kernel function is `translate_table`, which answers EINVAL or ELOOP without a reason.
public struct TableValidator: Sendable {
  /// Creates a validator; it has no settings.
  public init() {}

  /// The errors of a table: a loop of jumps, rules over 65,535 bytes, and uses of extensions that the kernel refuses in that table,
  /// hook or with those values. Empty if the kernel accepts the table.
  public func diagnostics(for table: Table) -> [Diagnostic] {
    let reach = ChainReach(table)
    var result: [Diagnostic] = []
    if let loop = reach.loop { result.append(diagnostic(loop, table)) }
    let encoder = EntryEncoder(family: table.family)
    for (index, chain) in table.chains.enumerated() {
      for (position, rule) in chain.rules.enumerated() {
        check(size: encoder.size(rule), rule, &result)
        let hooks = position < reach.walked[index] ? reach.hooks[index] : []
        check(rule, at: rule.site(in: table.name, table.family, hooks: hooks), table, &result)
      }
    }
    return result
  }

  private func diagnostic(_ loop: ChainReach.Loop, _ table: Table) -> Diagnostic {
    let names = loop.chains + [loop.chains[0]]
    let rule = loop.chains.last.flatMap { table[chain: $0] }?.rules[loop.rule]
    return Diagnostic(
      "chain-loop", .error, "the jumps between chains form a loop: \(names.joined(separator: " → "))",
      at: rule?.source ?? table.source ?? SourceRange(0..<0),
      notes: [Diagnostic.Note("the kernel refuses a table with a loop that a packet can reach (ELOOP)")],
      legacyStatus: .otherProblem)
  }

  private func check(size: Int, _ rule: Rule, _ result: inout [Diagnostic]) {
    guard size > Int(UInt16.max) else { return }
    result.append(
      Diagnostic(
        "rule-too-big", .error, "the rule needs \(size) bytes in the kernel's table; at most \(UInt16.max) are possible",
        at: rule.source ?? SourceRange(0..<0),
        notes: [Diagnostic.Note("split the rule: put some of its matches into a chain of their own")],
        legacyStatus: .otherProblem))
  }

  private func check(_ rule: Rule, at site: RuleSite, _ table: Table, _ result: inout [Diagnostic]) {
    for match in rule.matches { check(match, rule, site, &result) }
    if case .use(let use) = rule.target { check(use, rule, site, &result) }
  }

  private func check(_ use: ExtensionUse, _ rule: Rule, _ site: RuleSite, _ result: inout [Diagnostic]) {
    do throws(OptionError) {
      try use.descriptor.check(use.payload, site)
    } catch {
      result.append(
        Diagnostic(
          error.id, .error, error.message, at: error.range ?? rule.source ?? SourceRange(0..<0),
          notes: error.hint.map { [Diagnostic.Note($0)] } ?? [], legacyStatus: .otherProblem))
    }
  }
}
