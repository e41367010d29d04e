import Foundation
import Testing

/// `Examples/embedding`: a package that uses Ferrule's library products.
///
/// Its source file is a target of this package too, so that the tests need not resolve and build a second package.
@Suite struct EmbeddingTests {
  static let folder = ArchitectureTests.root.appending(path: "Examples/embedding")

  @Test func theExampleLintsAndRunsPackets() throws {
    let packets = ["443 S", "22 S"].map { "'eth0 tcp 192.0.2.7:50000 > 203.0.113.10:\($0)'" }.joined(separator: " ")
    let outcome = try BuiltCommand.shell("EmbeddingExample \(packets) <Examples/web-server/ruleset.rules")
    #expect(outcome.status == 0)
    #expect(
      outcome.text == """
        eth0 tcp 192.0.2.7:50000 > 203.0.113.10:443 S
          PREROUTING in eth0
            conntrack: NEW
          INPUT in eth0
            filter INPUT rule 5 (ruleset:11): -p tcp -m multiport --dports 80,443 -j web
            filter web rule 2 (ruleset:15): -m conntrack --ctstate NEW -j ACCEPT
          → delivered to this host
        eth0 tcp 192.0.2.7:50000 > 203.0.113.10:22 S
          PREROUTING in eth0
            conntrack: NEW
          INPUT in eth0
            filter INPUT rule 7 (ruleset:13): -p tcp -j REJECT --reject-with tcp-reset
          → dropped at INPUT by filter INPUT rule 7
          the host sends tcp 203.0.113.10:22>192.0.2.7:50000 RA
            → lost: there is no route

        """)
  }

  @Test func theExampleReportsMistakes() throws {
    let outcome = try BuiltCommand.shell("EmbeddingExample <Examples/router-mistakes/ruleset.rules")
    #expect(outcome.text.contains("[FE002 unreferenced-chain]"))
  }

  @Test func theExampleIsShort() throws {
    let lines = try ArchitectureTests.text("Examples/embedding/Sources/embedding/main.swift").split(separator: "\n")
    #expect(lines.count < 30)
  }

  private struct Manifest: Decodable {
    struct Target: Decodable {
      struct Dependency: Decodable { let product: [String?] }
      let name: String
      let dependencies: [Dependency]
    }
    let targets: [Target]
  }

  /// The manifest can be evaluated and names the products that the target of this package depends on, so the source file builds there too.
  @Test func theManifestNamesTheSameProducts() throws {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "ferrule-embedding-\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let outcome = try BuiltCommand.shell(
      "swift package --package-path \(Self.folder.path) --scratch-path \(scratch) --disable-sandbox dump-package 2>/dev/null")
    let manifest = try JSONDecoder().decode(Manifest.self, from: Data(outcome.text.utf8))
    let target = try #require(manifest.targets.first { $0.name == "embedding" })
    let declared = try ArchitectureTests.declaredTargets().first { $0.name == "EmbeddingExample" }
    #expect(Set(target.dependencies.compactMap { $0.product.first ?? nil }) == declared?.dependencies)
    #expect(target.dependencies.allSatisfy { $0.product.contains("ferrule") })
  }
}
