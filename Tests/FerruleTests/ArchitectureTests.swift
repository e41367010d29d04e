import Foundation
import Testing

/// The code against `Docs/Architecture.md`.
@Suite struct ArchitectureTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

  struct Floor {
    let name: String
    let imports: Set<String>
  }

  /// The rows of the table of floors, from the top.
  static func floors() throws -> [Floor] {
    try text("Docs/Architecture.md").matches(of: /(?m)^\| `([\w-]+)` \|([^|]*)\|/).map { row in
      Floor(name: String(row.1), imports: Set(row.2.matches(of: /`([\w-]+)`/).map { String($0.1) }))
    }
  }

  static func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

  static func sources(_ folder: String) throws -> [String] {
    let base = root.appending(path: folder)
    return try FileManager.default.subpathsOfDirectory(atPath: base.path).filter { $0.hasSuffix(".swift") }.sorted()
      .map { "\(folder)/\($0)" }
  }

  /// What a file imports: modules, and what of a module.
  static func imports(_ path: String) throws -> [String] {
    try text(path).matches(of: /(?m)^(?:@\w+(?:\(\w+\))? )*(?:public |package |internal |private )?import (?:\w+ )?(\w+)/)
      .map { String($0.1) }
  }

  @Test func aFloorImportsOnlyFloorsBelow() throws {
    let floors = try Self.floors()
    #expect(floors.count > 10, "the table of floors was not found")
    for (index, floor) in floors.enumerated() {
      let above = Set(floors[...index].map(\.name))
      #expect(floor.imports.isDisjoint(with: above), "\(floor.name) is said to import \(floor.imports.intersection(above))")
    }
  }

  @Test func everyImportIsAllowed() throws {
    let floors = try Self.floors()
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    let swift = try folders.filter { try !Self.sources("Sources/\($0)").isEmpty }
    #expect(Set(swift) == Set(floors.map(\.name)))
    let ours = Set(folders)
    for floor in floors {
      for file in try Self.sources("Sources/\(floor.name)") {
        let wrong = try Self.imports(file).filter { ours.contains($0) && !floor.imports.contains($0) }
        #expect(wrong.isEmpty, "\(file) imports \(wrong)")
      }
    }
  }

  /// What the package declares is what the page says.
  @Test func thePackageDeclaresNoMore() throws {
    let floors = try Self.floors()
    let package = try Self.text("Package.swift")
    for declared in package.matches(of: /floor\("(\w+)"(?:, on: \[([^\]]*)\])?/) {
      let name = String(declared.1)
      let floor = try #require(floors.first { $0.name == name }, "\(name) is not in the table of floors")
      let dependencies = Set((declared.2 ?? "").matches(of: /"(\w+)"/).map { String($0.1) }).subtracting(["Yams"])
      #expect(dependencies.isSubset(of: floor.imports), "\(name) depends on \(dependencies.subtracting(floor.imports))")
    }
  }

  /// Whatever else read YAML would do so without the limits of the one reader.
  @Test func oneFileReadsYAML() throws {
    let readers = try Self.floors().flatMap { try Self.sources("Sources/\($0.name)") }.filter { try Self.imports($0).contains("Yams") }
    #expect(readers == ["Sources/Lab/Document/DocumentComposer.swift"])
  }

  @Test func foundationStaysAtTheTop() throws {
    let allowed: Set<String> = ["Lab", "KernelLab", "Kernel", "Linter", "Evaluator", "ferrule"]
    for floor in try Self.floors() {
      for file in try Self.sources("Sources/\(floor.name)") {
        let imports = try Self.imports(file)
        #expect(!imports.contains("Foundation"), "\(file) imports Foundation")
        #expect(allowed.contains(floor.name) || !imports.contains("FoundationEssentials"), "\(file) imports FoundationEssentials")
      }
    }
  }

  /// The release of the iptables commands counts references without a lock (`ONE_THREAD` in the Makefile): none of them may start a
  /// thread but `RefusalSearch`, which waits for its own.
  @Test func theIptablesCommandsStartNoThread() throws {
    let starters = /\b(?:WorkerThread|onNewThread|pthread_create|Thread|Task|async|Dispatch\w*)\b/
    for file in try ["DropIn", "ferrule-legacy-multi", "Syntax", "Compiler", "Extensions", "XTables"].flatMap({
      try Self.sources("Sources/\($0)")
    }) {
      #expect(try Self.text(file).firstMatch(of: starters) == nil, "\(file)")
    }
    let users = try Self.sources("Sources/Kernel").filter { try Self.text($0).contains(/pthread_create|WorkerThread|onNewThread/) }
    #expect(users.map { $0.split(separator: "/").last ?? "" } == ["NetworkNamespace.swift", "RefusalSearch.swift", "WorkerThread.swift"])
  }

  @Test func unsafeCodeHasItsHomes() throws {
    let homes = ["Sources/Wire/", "Sources/Capture/", "Sources/Kernel/", "Sources/KernelLab/", "Sources/XTables/Payload.swift"]
    for floor in try Self.floors() {
      for file in try Self.sources("Sources/\(floor.name)") where !homes.contains(where: file.hasPrefix) {
        let isUnsafe = try Self.text(file).contains(#/(?m)^[^/"]*\bunsafe /#)
        #expect(!isUnsafe, "\(file) has unsafe code")
      }
    }
  }

  @Test func everyExtensionIsRegistered() throws {
    let registry = try Self.text("Sources/Extensions/Registry.swift")
    var count = 0
    for file in try Self.sources("Sources/Extensions") {
      for type in try Self.text(file).matches(of: /(?m)^(?:public )?(?:enum|struct) (\w+): (?:Match|Target)Extension\b/) {
        count += 1
        #expect(registry.contains("\(type.1).listing"), "\(type.1) of \(file) is not in Registry.swift")
      }
    }
    #expect(count > 20)
  }

  @Test func everyCheckIsListed() throws {
    let list = try Self.text("Sources/Linter/CheckList.swift")
    for file in try Self.sources("Sources/Linter/Checks") {
      let types = try Self.text(file).matches(of: /(?m)^public enum (\w+): Check\b/)
      #expect(types.count == 1, "\(file)")
      for type in types { #expect(list.contains("\(type.1).self"), "\(type.1) is not in CheckList.swift") }
    }
  }

  /// Every diagnostic that the language's floors can make has its page in `ferrule explain`.
  @Test func everyDiagnosticIsExplained() throws {
    let known = Set(DiagnosticPages.ids)
    for floor in ["XTables", "Syntax", "Compiler"] {
      for file in try Self.sources("Sources/\(floor)") {
        for made in try Self.text(file).matches(of: /(?:OptionError|Diagnostic|refuse)\(\s*"([a-z]+(?:-[a-z]+)*)",/) {
          #expect(known.contains(String(made.1)), "\(made.1) of \(file) is not in DiagnosticCatalogue.swift")
        }
      }
    }
  }
}
