import Foundation
import TestSupport
import Testing

/// The manual pages in `Docs/man`, which `make grammar` writes from the commands' definitions and `make install` installs.
@Suite(.serialized) struct ManualTests {
  static let folder = PackageFolder.path + "/Docs/man/"

  static func pages() throws -> [String: String] {
    let version = try BuiltCommand.shell("ferrule --version").text.trimmingCharacters(in: .whitespacesAndNewlines)
    let pages = try ManualPage.all(of: CommandDescription.tool(BuiltCommand.shell("ferrule --experimental-dump-help").text))
    return Dictionary(uniqueKeysWithValues: pages.map { ("\($0.name).1", $0.text(version: version, siblings: pages)) })
  }

  @Test func isFresh() throws {
    let pages = try Self.pages()
    #expect(pages.count > 14)
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try? FileManager.default.removeItem(atPath: Self.folder)
      try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
      for (name, text) in pages { try Data(text.utf8).write(to: URL(filePath: Self.folder + name)) }
    }
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: Self.folder)) == Set(pages.keys), "run: make grammar")
    for (name, text) in pages { #expect((try? TextFile.text(Self.folder + name)) == text, "\(name) is out of date; run: make grammar") }
  }

  @Test(.enabled("the pages were NOT rendered: groff is not installed") { (try? BuiltCommand.shell("groff --version").status) == 0 })
  func groffReadsEveryPageWithoutWarning() throws {
    let outcome = try BuiltCommand.shell(
      "for page in Docs/man/*.1; do groff -man -Tutf8 -K utf8 -ww \"$page\" > /dev/null || echo \"$page\"; done")
    #expect(outcome.text.isEmpty, "\(outcome.text)")
  }
}
