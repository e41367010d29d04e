import Diagnostics
import Documents
import Lab
import Scenarios
import Syntax
import Wire
import XTables

/// Reads scenarios of the lab's protocol, one JSON object a line, as tests without expectations.
struct ScenarioLines {
  let file: SourceFile
  let registry: Registry
  let names: NameDatabase

  func read(_ problems: inout [ScenarioFileError]) -> ScenarioFile {
    var tests: [ScenarioTest] = []
    var start = 0
    for line in file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let range = SourceRange(start..<start + line.count)
      start += line.count + 1
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
      do throws(ScenarioError) {
        tests.append(try test(Array(line), range))
      } catch {
        problems.append(ScenarioFileError(error.description, at: range))
      }
    }
    return ScenarioFile(file: file, name: file.name, tests: tests)
  }

  private func test(_ line: [UInt8], _ range: SourceRange) throws(ScenarioError) -> ScenarioTest {
    var scenario = try Scenario(line: String(decoding: line, as: UTF8.self))
    let engine = LabEngine(registry: registry, names: names)
    let names = try engine.addressSets(scenario)?.names(over: names) ?? names
    var rulesets: [ScenarioRuleset] = []
    for ruleset in try LabEngine(registry: registry, names: names).rulesets(scenario.rules, scenario.rules6) {
      let text = (ruleset.family == .ipv4 ? scenario.rules : scenario.rules6) ?? ""
      let path = "\(file.name):\(ruleset.family == .ipv4 ? "rules" : "rules6")"
      rulesets.append(ScenarioRuleset(file: SourceFile(name: path, bytes: Array(text.utf8)), ruleset: ruleset, text: text, names: names))
    }
    let steps = scenario.steps.enumerated().map { index, step in
      TestStep(
        text: "step \(index + 1) of \(scenario.name)", range: range, parts: [.step(step)], scope: .each, expectation: nil, form: .mapping)
    }
    scenario.steps = []
    let name = scenario.name.isEmpty ? "line \(file.position(of: Int(range.lowerBound)).line)" : scenario.name
    return ScenarioTest(
      name: name, range: range, skipReason: nil, base: scenario, rulesets: rulesets, prelude: [], steps: steps, expectation: nil)
  }
}
