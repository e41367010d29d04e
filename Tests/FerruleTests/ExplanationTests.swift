import Extensions
import Linter
import Testing
import XTables

/// The pages of `ferrule explain` show what the examples prove.
@Suite struct ExplanationTests {
  @Test func anExtensionsPageShowsItsPackets() {
    for descriptor in Registry.ferrule.all {
      let page = ExtensionExplanation(descriptor).text
      for trial in descriptor.examples.compactMap(\.trial) {
        for part in [trial.packet, trial.reason ?? ""] + trial.after + trial.given.rules + trial.given.sets + trial.given.host {
          #expect(page.contains(part), "\(descriptor.name): \(part)")
        }
        if case .becomes(let result) = trial.outcome { #expect(page.contains("result: \(result)")) }
        if trial.outcome == .matches { #expect(page.contains("matches: \(trial.packet)")) }
        if trial.outcome == .misses { #expect(page.contains("does not match: \(trial.packet)")) }
      }
    }
  }

  @Test func aChecksPageShowsItsFindingsWithoutMarks() throws {
    for check in CheckList.all {
      let page = CheckExplanation(check).text
      #expect(!page.contains("\u{2193}"), "\(check.code)")
      for mark in try #require(check.examples.first { !$0.marks.isEmpty }).marks {
        #expect(page.contains(mark.message), "\(check.code)")
      }
    }
  }
}
