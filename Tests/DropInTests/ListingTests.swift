import Extensions
import Foundation
import Netfilter
import Testing
import Wire
import XTables

/// What `-L` shows of every extension, with and without `-n`, against the real iptables over the same tables.
@Suite struct ListingTests {
  struct Place: Hashable {
    let program: String
    let table: TableName
    let chain: String
  }

  /// The rules of all extensions' examples, by the chain they can stand in.
  static func rules() -> [Place: [String]] {
    var rules: [Place: [String]] = [:]
    for descriptor in Registry.ferrule.all {
      for family in [Family.ipv4, .ipv6] where descriptor.families.contains(family) {
        let scope = descriptor.scope(family)
        for example in descriptor.examples where example.saved != nil && (example.family == nil || example.family == family) {
          let table = example.table
          guard let hook = table.hooks.first(where: { hook in scope.hooks.map { $0.hooks.contains(hook) } ?? true }) else { continue }
          let option = descriptor.kind == .match ? "-m" : "-j"
          let place = Place(program: family.command, table: table, chain: hook.name)
          rules[place, default: []].append("\(example.before) \(option) \(descriptor.name) \(example.text)")
        }
      }
    }
    return rules
  }

  @Test(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy"), .timeLimit(.minutes(10)))
  func sameAsIptables() throws {
    var commands: [String] = []
    for (place, rules) in Self.rules() {
      // What this kernel lacks is refused here, and listed by nobody.
      let lines = rules.map { "$REAL/\(place.program) -t \(place.table.rawValue) -A \(place.chain) \($0) 2>/dev/null" }
      commands.append(lines.joined(separator: "; "))
    }
    let loading = commands.count
    for place in Self.rules().keys {
      for options in ["-n -v", ""] {
        for folder in ["$REAL", "$OURS"] {
          commands.append("\(folder)/\(place.program) -t \(place.table.rawValue) -L \(place.chain) \(options) 2>/dev/null")
        }
      }
    }
    let answers = try Rival.ours.run(commands)
    var count = 0
    for index in stride(from: loading, to: commands.count, by: 2) {
      let real = answers[index].output.split(separator: "\n", omittingEmptySubsequences: false)
      let ours = answers[index + 1].output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(real.count == ours.count, "\(commands[index]): \(answers[index + 1])")
      for (expected, found) in zip(real, ours) { #expect(expected == found) }
      count += max(0, real.count - 3)
    }
    print("listings: \(count) rules shown alike")
    #expect(count > 600)
  }
}
