public import Evaluator
import Netfilter
public import XTables

/// A ruleset on which questions are asked: what does not depend on the packets of a question is calculated once.
public struct QuestionRules {
  /// A table with its conditions.
  struct PreparedTable {
    let graph: ChainGraph
    let conditions: TableConditions
  }

  /// What was calculated.
  struct Prepared {
    let programs: RulesetPrograms
    let tables: [TableName: PreparedTable]
    /// The tests of all rules and routes.
    let tests: FieldTests
    /// The routes of the host; nil without a host, or if they are not known.
    let routes: HostRoutes?
    /// Runs of packets on the host.
    let hostRun: HostRun?
    /// Whether a rule of the raw table asks for the connection.
    let asksEarly: Bool
  }

  /// The ruleset.
  public let ruleset: Ruleset
  /// The host; nil to assume that packets come to the hook of a question.
  public let host: Host?
  /// Nil if a table cannot be compiled.
  let prepared: Prepared?

  /// Prepares a ruleset.
  ///
  /// - Parameter host: the host whose routes lead the packets; nil to assume that they come to the hook.
  public init(_ ruleset: Ruleset, on host: Host? = nil) {
    (self.ruleset, self.host) = (ruleset, host)
    prepared = Self.prepare(ruleset, host)
  }

  private static func prepare(_ ruleset: Ruleset, _ host: Host?) -> Prepared? {
    guard let programs = RulesetPrograms(ruleset) else { return nil }
    var tests = FieldTests(ruleset.family)
    let routes = host.flatMap { HostRoutes($0, ruleset.family) }
    routes?.add(to: &tests)
    var names = ChanceNames()
    var fields = routes?.fields
    var tables: [TableName: PreparedTable] = [:]
    var asksEarly = false
    for table in ruleset.tables {
      guard let graph = ChainGraph(table) else { return nil }
      let conditions = TableConditions(table, &names, &tests) { fields?.resolving($0) }
      if table.name == .raw {
        asksEarly = table.chains.contains { $0.rules.contains { $0.condition(table.family).fields.contains { $0.name.hasPrefix("ct.") } } }
      }
      tables[table.name] = PreparedTable(graph: graph, conditions: conditions)
    }
    let hostRun = host.map { HostRun(ruleset, programs.compiled, on: $0) }
    return Prepared(programs: programs, tables: tables, tests: tests, routes: routes, hostRun: hostRun, asksEarly: asksEarly)
  }
}
