public import Diagnostics
import Wire
public import XTables

/// The objects outside the tables that rules refer to, in the running kernel and the calling thread's network namespace.
public struct KernelObjects: Sendable {
  private let registry: Registry
  private let tables: any KernelTables

  /// - Parameters:
  ///   - registry: decodes the kernel's tables; some rules in them create objects.
  ///   - tables: reads them.
  public init(registry: Registry, tables: some KernelTables) {
    self.registry = registry
    self.tables = tables
  }

  /// Reports the rules that the kernel would refuse because an object they name does not exist when the rule is loaded. The kernel loads
  /// table after table, and rule after rule. Objects that this process may not query are not reported.
  public func missing(for ruleset: Ruleset) -> [Diagnostic] {
    let needed = Set(ruleset.tables.flatMap { $0.chains.flatMap { $0.rules.flatMap(Self.needs) } })
    guard !needed.isEmpty else { return [] }
    var known = Known(accounting: Self.accounting(needed), estimators: estimators(needed))
    var found: [Diagnostic] = []
    for table in ruleset.tables {
      for chain in table.chainsInSaveOrder {
        for rule in chain.rules { check(rule, &known, &found) }
      }
    }
    return found
  }

  private struct Known {
    /// Whether an accounting object exists; no entry if the kernel gave no answer.
    var accounting: [KernelObject: Bool]
    /// Estimators of the tables in the kernel and of the rules checked so far; nil if the tables cannot be read.
    var estimators: Set<KernelObject>?
  }

  private func check(_ rule: Rule, _ known: inout Known, _ found: inout [Diagnostic]) {
    for need in Self.needs(rule) where !Self.isThere(need, known) { found.append(Self.diagnostic(need, rule)) }
    for case .makes(let made) in rule.objectUses { known.estimators?.insert(made) }
  }

  private static func isThere(_ object: KernelObject, _ known: Known) -> Bool {
    switch object {
    case .accountingObject: known.accounting[object] ?? true
    case .rateEstimator: known.estimators?.contains(object) ?? true
    // The kernel loads a helper's module by itself, and does not say which helpers it has.
    case .conntrackHelper: true
    }
  }

  private static func diagnostic(_ object: KernelObject, _ rule: Rule) -> Diagnostic {
    let range = rule.source ?? SourceRange(0..<0)
    switch object {
    case .accountingObject(let name):
      return Diagnostic(
        "no-accounting-object", .error, "the kernel has no accounting object `\(name)' in this network namespace", at: range,
        notes: [Diagnostic.Note("create it first: nfacct add \(name)")], legacyStatus: .otherProblem)
    case .rateEstimator(let name):
      return Diagnostic(
        "no-rate-estimator", .error, "there is no rate estimator `\(name)' when the kernel loads this rule", at: range,
        notes: [
          Diagnostic.Note(
            "load a rule with -j RATEEST --rateest-name \(name) first: on an earlier line, in an earlier table, or before this file")
        ],
        legacyStatus: .otherProblem)
    case .conntrackHelper(let name):
      return Diagnostic(
        "no-conntrack-helper", .error, "the kernel has no conntrack helper `\(name)' for the protocol of the rule", at: range,
        notes: [Diagnostic.Note("load its module, nf_conntrack_\(name)")], legacyStatus: .otherProblem)
    }
  }

  private static func needs(_ rule: Rule) -> [KernelObject] {
    rule.objectUses.compactMap { if case .needs(let object) = $0 { object } else { nil } }
  }

  // MARK: The kernel's

  /// Queries each accounting object by name.
  private static func accounting(_ needed: Set<KernelObject>) -> [KernelObject: Bool] {
    guard var socket = try? NetlinkSocket(.netfilter) else { return [:] }
    var answers: [KernelObject: Bool] = [:]
    for object in needed {
      guard case .accountingObject(let name) = object else { continue }
      // NFNL_SUBSYS_ACCT, NFNL_MSG_ACCT_GET and NFACCT_NAME.
      var request = NetlinkMessage(subsystem: 7, 1)
      request.add(1, text: name)
      do throws(KernelError) {
        answers[object] = try socket.get(request, what: "asking for the accounting object \(name)") != nil
      } catch {
        continue
      }
    }
    return answers
  }

  /// The estimators that the loaded rules of both families created; nil if the tables cannot be read.
  private func estimators(_ needed: Set<KernelObject>) -> Set<KernelObject>? {
    guard needed.contains(where: { if case .rateEstimator = $0 { true } else { false } }) else { return nil }
    var found: Set<KernelObject> = []
    for family in [Family.ipv4, .ipv6] {
      do throws(KernelError) {
        try tables.read(family, only: nil) { blob throws(KernelError) in
          for case .makes(let made) in try blob.typed(registry).chains.flatMap({ $0.rules.flatMap(\.objectUses) }) { found.insert(made) }
        }
      } catch {
        return nil
      }
    }
    return found
  }
}
