import Diagnostics
import Extensions
import Kernel
import Testing
import Wire
import XTables

@testable import Syntax

/// Runs of lines that append to one chain, and the chains that get room for them.
struct AppendRunTests {
  /// The number of lines of the run that begins at the first `-A` line whose chain is `name`.
  private func count(_ text: String, beginning: String) throws -> Int? {
    let syntax = RulesetSyntax(SourceFile(name: "text", bytes: Array(text.utf8)))
    let start = try #require(text.utf8Offset(of: beginning))
    let number = try #require(syntax.lines.firstIndex { Int($0.range.lowerBound) == start })
    var run = AppendRun()
    return run.count(from: number, of: syntax.lines, with: start..<start + beginning.utf8.count, in: syntax.file.bytes)
  }

  @Test(arguments: [
    ("-A F \n-A F -j DROP\n-A F ", 3), ("-A F -j DROP\n-A FO -j DROP\n", 1), ("-A F -j DROP\n-A F", 1),
    ("-A F -j DROP\n# between\n-A F -j DROP\n", 1), ("-A F -j DROP\n-A F -j DROP\n-A G -j DROP\n-A F -j DROP\n", 2),
  ])
  func linesThatBeginAlikeAreCounted(_ text: String, _ length: Int) throws {
    #expect(try count(text, beginning: "-A F ") == length)
  }

  @Test func aRunIsCountedOnce() {
    let syntax = RulesetSyntax(SourceFile(name: "text", bytes: Array("-A F 1\n-A F 2\n-A F 3\n-A G 4\n".utf8)))
    var run = AppendRun()
    let counts = syntax.lines.indices.map { number in
      let start = Int(syntax.lines[number].range.lowerBound)
      return run.count(from: number, of: syntax.lines, with: start..<start + 5, in: syntax.file.bytes)
    }
    #expect(counts == [3, nil, nil, 1])
  }

  @Test(arguments: ["-A F -j DROP\n-A F -j DROP\n-A G -j RETURN\n-A F -j ACCEPT\n", "-A F\n-A \"F\" -j DROP\n[1:2] -A F -j DROP\n-A F"])
  func theRulesAreThoseOfTheLines(_ commands: String) throws {
    let text = "*filter\n:F - [0:0]\n:G - [0:0]\n\(commands)\nCOMMIT\n"
    let parser = RulesetParser(registry: .ferrule, names: .system, family: .ipv4)
    let parsed = parser.parse(SourceFile(name: "text", bytes: Array(text.utf8)))
    #expect(parsed.diagnostics.isEmpty)
    let table = try #require(parsed.ruleset.tables.first)
    #expect(table.chains.filter { !$0.isBuiltin }.map(\.rules.count) == (commands.contains("G") ? [3, 1] : [4, 0]))
  }
}

extension String {
  fileprivate func utf8Offset(of part: String) -> Int? {
    firstRange(of: part).map { utf8.distance(from: utf8.startIndex, to: $0.lowerBound) }
  }
}
