import Diagnostics
import Extensions
import Syntax
import Testing
import Wire
import XTables

/// The drawing of a table.
@Suite struct ChainTreeTests {
  static func tree(_ text: String) throws -> String {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
      .parse(SourceFile(name: "test", bytes: Array(text.utf8)))
    #expect(parsed.diagnostics.isEmpty)
    return try ChainTree(#require(parsed.ruleset.tables.first), printer: RulePrinter(family: .ipv4, names: .builtin)).text
  }

  @Test func chainsAreDrawnWhereTheyFirstCome() throws {
    #expect(
      try Self.tree(
        """
        *filter
        :a - [0:0]
        :b - [0:0]
        :none - [0:0]
        :lost - [0:0]
        -A INPUT -p tcp -j a
        -A INPUT -g b
        -A FORWARD -j a
        -A FORWARD -j none
        -A a -s 10.0.0.0/8 -j b
        -A a
        -A b -j DROP
        -A lost -j RETURN
        COMMIT

        """) == """
          filter
          INPUT (policy ACCEPT)
            ├─ 1 -p tcp -j a
            │  ├─ 1 -s 10.0.0.0/8 -j b
            │  │  └─ 1 -j DROP
            │  └─ 2 (every packet)
            └─ 2 -g b  (shown above)
          FORWARD (policy ACCEPT)
            ├─ 1 -j a  (shown above)
            └─ 2 -j none  (empty)
          OUTPUT (policy ACCEPT, no rules)
          chains to which no rule above jumps
          lost
            └─ 1 -j RETURN

          """)
  }

  /// A chain of 20,000 chains, each leading to the next, is drawn in lines of bearable width.
  @Test func deepChainsAreDrawnInBoundedWidth() throws {
    let count = 20_000
    var text = "*filter\n"
    for index in 0..<count { text += ":c\(index) - [0:0]\n" }
    text += "-A INPUT -j c0\n"
    for index in 0..<count - 1 { text += "-A c\(index) -j c\(index + 1)\n" }
    let drawing = try Self.tree(text + "COMMIT\n")
    #expect(drawing.split(separator: "\n").allSatisfy { $0.count < 3 * ChainTree.deepest + 60 })
    #expect(drawing.contains("-j c\(count - 2)\n"))
    #expect(!drawing.contains("no rule above"))
  }
}
