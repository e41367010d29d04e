internal import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// Loads tables into a temporary network namespace, to find out what the kernel refuses before tables in use are touched.
///
/// The namespace has none of the objects that rules may name. If the kernel refuses a table without them, they are made there, and the tables
/// tried again. Where no namespace can be made, nothing is tried.
struct TableTrial {
  private let tables: [TableBlob]
  private let options: ReplaceOptions
  private let registry: Registry

  init(_ tables: [TableBlob], _ options: ReplaceOptions) {
    self.tables = tables
    self.options = options
    registry = options.comparison ?? options.carriesCounters ?? Registry()
  }

  /// - Throws: `KernelError` with the table that the kernel refuses, and the rule if it was found.
  func run() throws(KernelError) {
    guard let refusal = attempt([]) else { return }
    var rules: [(rule: Rule, family: Family)] = []
    for table in tables { rules += try table.typed(registry).chains.flatMap(\.rules).map { ($0, table.family) } }
    let uses = rules.flatMap(\.rule.objectUses)
    guard let error = uses.isEmpty ? refusal : attempt(uses) else { return }
    // What is missing may be an object that only the namespace in use has, such as a timeout policy: only there it can be tried.
    if error.error?.number == ENOENT, hasEveryExtension(rules) { return }
    let place = tables.firstIndex { $0.family == error.family && $0.name.rawValue == error.table }
    throw place.flatMap(options.typed).map { RefusalSearch($0, error).located } ?? error
  }

  /// Whether the kernel has all matches and targets of rules in their revisions.
  private func hasEveryExtension(_ rules: [(rule: Rule, family: Family)]) -> Bool {
    var asked: Set<String> = []
    func isThere(_ kind: ExtensionProbe.Kind, _ use: ExtensionUse, _ family: Family) -> Bool {
      let (name, revision) = (use.descriptor.kernelName, use.descriptor.revision)
      guard asked.insert("\(kind) \(name) \(revision) \(family)").inserted else { return true }
      return ExtensionProbe().has(kind, name, revision: revision, family) == .has
    }
    return rules.allSatisfy { rule, family in
      if case .use(let use) = rule.target, !isThere(.target, use, family) { return false }
      return rule.matches.allSatisfy { isThere(.match, $0, family) }
    }
  }

  /// The refusal of a table; nil if all are accepted, or cannot be tried.
  private func attempt(_ uses: [KernelObjectUse]) -> KernelError? {
    let tables = tables
    // Estimators are made by rules, also by those of tables that stay.
    let earlier = uses.contains { if case .needs(.rateEstimator) = $0 { true } else { false } } ? inUse : []
    do {
      return try NetworkNamespace.onNewThread {
        TrialObjects.make(uses)
        do throws(KernelError) {
          for table in earlier + tables { try TableSocket(table.family).replace(table) }
          return nil
        } catch {
          return error.error?.number == EPERM ? nil : error
        }
      }
    } catch {
      return nil
    }
  }

  private var inUse: [TableBlob] {
    var found: [TableBlob] = []
    for family in Family.allCases { try? LegacyTables().read(family, only: nil) { found.append($0) } }
    return found
  }
}

/// The objects that rules name, made in the calling thread's network namespace. What cannot be made is left out: the kernel then refuses the
/// rule.
private enum TrialObjects {
  private enum IPSet {
    static let subsystem: UInt8 = 6, create: UInt8 = 2, version: UInt8 = 7
    static let versionAttribute: UInt16 = 1, name: UInt16 = 2, type: UInt16 = 3, revision: UInt16 = 4, family: UInt16 = 5, data: UInt16 = 7
  }

  static func make(_ uses: [KernelObjectUse]) {
    guard !uses.isEmpty, var socket = try? NetlinkSocket(.netfilter) else { return }
    var lastSet: Int?
    for use in uses {
      switch use {
      case .needs(.accountingObject(let name)):
        // NFNL_SUBSYS_ACCT, NFNL_MSG_ACCT_NEW and NFACCT_NAME.
        var request = NetlinkMessage(subsystem: 7, 0, flags: NetlinkMessage.Flag.create)
        request.add(1, text: name)
        try? socket.request([request], what: "making an accounting object")
      case .needsSet(let index): lastSet = max(lastSet ?? 0, Int(index))
      case .needs, .makes, .changesSet: continue
      }
    }
    // Rules have the numbers of sets, and the kernel gives them in order. The kind of a set is not checked when a rule is loaded.
    guard let lastSet else { return }
    for number in 0...lastSet {
      var request = NetlinkMessage(
        subsystem: IPSet.subsystem, IPSet.create, flags: NetlinkMessage.Flag.create, family: Family.ipv4.rawValue)
      request.add(IPSet.versionAttribute, [IPSet.version])
      request.add(IPSet.name, text: "trial-\(number)")
      request.add(IPSet.type, text: "list:set")
      request.add(IPSet.revision, [0])
      request.add(IPSet.family, [0])
      request.add(IPSet.data) { _ in }
      guard (try? socket.request([request], what: "making a set")) != nil else { return }
    }
  }
}
