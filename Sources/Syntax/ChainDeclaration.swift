import Diagnostics
import XTables

extension RulesetReader {
  /// Reads `:CHAIN POLICY [packets:bytes]`.
  mutating func declareChain(_ line: LineSyntax) throws(OptionError) {
    let fields = fields(of: line)
    guard let chain = fields.first else {
      throw OptionError("bad-chain", "line \(lineNumber(line)) chain name invalid", hint: "write :NAME POLICY [0:0]")
    }
    forgetShapes()
    let name = chain.string
    guard chain.bytes.count < 29 else {
      throw OptionError("long-chain-name", "Invalid chain name `\(name)' (28 chars max)", at: chain.range)
    }
    guard String(validating: chain.bytes, as: UTF8.self) != nil else {
      throw OptionError("bad-chain-name", "chain name `\(name)' is not UTF-8", at: chain.range)
    }
    try createChain(name, at: chain.range)
    guard fields.count > 1 else {
      throw OptionError(
        "bad-policy", "line \(lineNumber(line)) policy invalid", at: chain.range,
        hint: "write ACCEPT or DROP, or - for a user-defined chain")
    }
    let counters = try policyCounters(fields, chain: name)
    guard fields[1].string != "-" else { return }
    try setPolicy(fields[1], of: chain, counters, line)
  }

  private mutating func createChain(_ name: String, at range: SourceRange) throws(OptionError) {
    guard let index = table?.index(of: name) else {
      if StandardVerdict(rawValue: name) != nil || table?.addChain(name, source: range) == false {
        throw OptionError("duplicate-chain", "error creating chain '\(name)':File exists", at: range)
      }
      commands = commands.announcing(chain: name)
      return
    }
    if table?.chains[index].isBuiltin == true {
      return
    }
    guard parser.keepsExisting else {
      throw OptionError(
        "duplicate-chain", "error creating chain '\(name)':File exists", at: range, hint: "the chain is declared twice")
    }
    table?.update(at: index) { $0.rules = [] }
    commands = commands.announcing(chain: name)
  }

  private func policyCounters(_ fields: [Token], chain: String) throws(OptionError) -> Counters? {
    guard fields.count > 2 else {
      if parser.needsCounters, fields[1].string != "-" { throw badCounters(chain, fields[1]) }
      return nil
    }
    let text = fields[2].bytes
    if text.first == UInt8(ascii: "["), let counters = Counters(scanning: text.dropFirst()) { return counters }
    if parser.needsCounters, fields[1].string != "-" { throw badCounters(chain, fields[2]) }
    return nil
  }

  private func badCounters(_ chain: String, _ token: Token) -> OptionError {
    OptionError(
      "bad-counters", "invalid policy counters for chain '\(chain)'", at: token.range, hint: "write counters as [packets:bytes]")
  }

  private mutating func setPolicy(
    _ policy: Token, of chain: Token, _ counters: Counters?, _ line: LineSyntax
  ) throws(OptionError) {
    func refuse(_ why: String, _ hint: String) -> OptionError {
      OptionError(
        "bad-policy", "Can't set policy `\(policy.string)' on `\(chain.string)' line \(lineNumber(line)): \(why)",
        at: policy.range, hint: hint, legacyStatus: .otherProblem)
    }
    guard let index = table?.index(of: chain.string), table?.chains[index].isBuiltin == true else {
      throw refuse("Bad built-in chain name", "a user-defined chain has no policy: write -")
    }
    guard let verdict = StandardVerdict(rawValue: policy.string), verdict == .accept || verdict == .drop else {
      throw refuse("Bad policy name", "the policy must be ACCEPT or DROP")
    }
    table?.update(at: index) {
      $0.policy = verdict
      $0.source = line.content
      if let counters { $0.counters = counters }
    }
  }
}
