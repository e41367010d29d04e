import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import Testing
import Wire
import XTables

/// The page about the hooks against what the simulator does at them.
@Suite struct PacketPathTests {
  @Test(arguments: [Family.ipv4, .ipv6]) func thePacketPathPageNamesTheOperationsOfEachHook(_ family: Family) throws {
    var text = ""
    for table in TableName.allCases { text += "*\(table.rawValue)\nCOMMIT\n" }
    text += "*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family)
      .parse(SourceFile(name: "test", bytes: Array(text.utf8)))
    #expect(parsed.diagnostics.isEmpty)
    let simulator = try Simulator(host: Host(), rulesets: [parsed.ruleset])
    for (hook, stage) in zip(Hook.allCases, PacketPath().stages) {
      #expect(stage.hook == hook.name)
      let operations = simulator.operations(at: hook, family)
      #expect(operations.map(\.name) == stage.operations.map(\.name))
      #expect(operations.map(\.priority) == stage.operations.map(\.priority))
    }
  }
}
