public import Evaluator
import Netfilter
public import XTables

/// A ruleset on which questions are asked: what does not depend on the packets of a question is calculated once.
public struct QuestionRules {
  /// What was calculated.
  struct Prepared {
    let ruleset: Ruleset
    let programs: RulesetPrograms
    /// The routes of the host; nil without a host, or if they are not known.
    let routes: HostRoutes?
    /// What fields are on the host that follow from an address; nil if the routes are not known.
    let fields: HostFields?
    /// Runs of packets on the host.
    let hostRun: HostRun?
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
    let routes = host.flatMap { HostRoutes($0, ruleset.family) }
    let hostRun = host.map { HostRun(ruleset, programs.compiled, on: $0) }
    return Prepared(ruleset: ruleset, programs: programs, routes: routes, fields: routes?.fields, hostRun: hostRun)
  }
}
