import Foundation
import TestSupport
import Testing

/// `CONTRIBUTING.md` and `Tests/Fixtures/README.md` name files, suites and targets of make: they must exist.
@Suite struct ContributingTests {
  static let root = PackageFolder.path + "/"

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + path) }

  @Test func everyPathInTheRecipesExists() throws {
    let text = try TextFile.text(Self.root + "CONTRIBUTING.md")
    let paths = text.matches(of: #/`((?:Sources|Tests|Docs|Grammar)/[\w./*-]+)`/#).map { String($0.1) }
    #expect(paths.count > 15)
    for path in paths where !path.contains("NAME") && !path.contains("*") {
      #expect(Self.exists(path), "CONTRIBUTING.md names \(path), which does not exist")
    }
  }

  @Test func everySuiteInTheRecipesExists() throws {
    let sources = try ArchitectureTests.sources("Tests").map { try TextFile.text(Self.root + $0) }
    for document in ["CONTRIBUTING.md", "Tests/Fixtures/README.md"] {
      let filters = try TextFile.text(Self.root + document).matches(of: /--filter '?([\w|.]+)/).flatMap { $0.1.split(separator: "|") }
      #expect(!filters.isEmpty)
      for filter in filters {
        let name = filter.split(separator: ".").last ?? filter
        #expect(sources.contains { $0.contains("struct \(name)") }, "\(document) filters by \(name), which is no suite")
      }
    }
  }

  @Test func everyMakeTargetInTheRecipesExists() throws {
    let makefile = try TextFile.text(Self.root + "Makefile")
    for target in try TextFile.text(Self.root + "CONTRIBUTING.md").matches(of: #/(?m)(?:^|`|sudo )make ([a-z-]+)/#) {
      #expect(makefile.contains("\n\(target.1):"), "CONTRIBUTING.md says make \(target.1), which is no target")
    }
  }

  @Test func everyFixtureIsDescribed() throws {
    let text = try TextFile.text(Self.root + "Tests/Fixtures/README.md")
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.root + "Tests/Fixtures") where name != "README.md" {
      #expect(text.contains("`\(name)`") || text.contains("`\(name)/"), "Tests/Fixtures/README.md does not say where \(name) comes from")
    }
  }
}
