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

  /// A target of `Package.swift` with Swift files.
  struct DeclaredTarget {
    let name: String
    let dependencies: Set<String>
  }

  static func declaredTargets() throws -> [DeclaredTarget] {
    let package = try text("Package.swift")
    let floors = package.matches(of: /\b(floor|floorOfTests|tests|library)\(\s*"(\w+)"(?:,\s*o[nf]:\s*\[([^\]]*)\])?/).map {
      ($0.2, ($0.3 ?? "") + ($0.1 == "tests" ? "\"TestSupport\"" : ""))
    }
    let programs = package.matches(of: /executableTarget\(\s*name: "([\w-]+)"(?:,\s*dependencies: \[([^\]]*)\])?/).map {
      ($0.1, $0.2 ?? "")
    }
    return (floors + programs).map { name, list in
      let names = list.replacing(/package: "[^"]*"/, with: "").matches(of: /"([\w-]+)"/).map { String($0.1) }
      return DeclaredTarget(name: String(name), dependencies: Set(names))
    }
  }

  /// The package declares neither more nor less than the files of a target import.
  @Test func thePackageDeclaresWhatIsImported() throws {
    let targets = try Self.declaredTargets()
    let ours = Set(try Self.text("Package.swift").matches(of: /\(\s*(?:name: )?"([\w-]+)"/).map { String($0.1) }).union(["Yams"])
    var folders = ["EmbeddingExample": "Examples/embedding/Sources/embedding"]
    for parent in ["Sources", "Tests", "Products"] {
      for name in try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: parent).path) {
        folders[name] = "\(parent)/\(name)"
      }
    }
    for (name, folder) in folders {
      let files = try Self.sources(folder)
      if files.isEmpty {
        folders[name] = nil
        continue
      }
      let imported = Set(try files.flatMap { try Self.imports($0) }).intersection(ours).subtracting([name])
      let declared = try #require(targets.first { $0.name == name }, "\(name) is not in Package.swift").dependencies
      #expect(imported == declared, "\(name): imported and declared differ by \(imported.symmetricDifference(declared).sorted())")
    }
    #expect(Set(targets.map(\.name)).subtracting(folders.keys) == ["ferrule-xtables"], "only this program is written in C")
  }

  /// What the package declares is what the page says.
  @Test func thePageSaysWhatThePackageDeclares() throws {
    let targets = try Self.declaredTargets()
    for floor in try Self.floors() {
      let declared = try #require(targets.first { $0.name == floor.name }, "\(floor.name) is not in Package.swift").dependencies
      #expect(declared.subtracting(["Yams", "ArgumentParser"]) == floor.imports, "\(floor.name)")
    }
  }

  /// One name has one meaning: no type has the name of another module's type. A type of a program is visible nowhere else.
  @Test func noTwoModulesDeclareATypeOfTheSameName() throws {
    let declaration =
      /(?m)^(?:@\w+(?:\([^)\n]*\))? )*(?:public |package |internal )?(?:final |indirect )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
    var modules: [String: Set<String>] = [:]
    for floor in try Self.floors() where !floor.name.hasPrefix("ferrule") {
      for file in try Self.sources("Sources/\(floor.name)") {
        for type in try Self.text(file).matches(of: declaration) { modules[String(type.1), default: []].insert(floor.name) }
      }
    }
    #expect(modules.count > 500)
    for (name, modules) in modules where modules.count > 1 { Issue.record("\(name) is declared in \(modules.sorted())") }
  }

  /// Whatever else read YAML would do so without the limits of the one reader.
  @Test func oneFileReadsYAML() throws {
    let readers = try Self.floors().flatMap { try Self.sources("Sources/\($0.name)") }.filter { try Self.imports($0).contains("Yams") }
    #expect(readers == ["Sources/Documents/DocumentComposer.swift"])
  }

  @Test func foundationStaysAtTheTop() throws {
    for floor in try Self.floors() {
      for file in try Self.sources("Sources/\(floor.name)") {
        let imports = try Self.imports(file)
        #expect(!imports.contains("Foundation"), "\(file) imports Foundation")
        #expect(floor.name == "Linter" || !imports.contains("FoundationEssentials"), "\(file) imports FoundationEssentials")
      }
    }
  }

  /// The release of the iptables commands counts references without a lock (`ONE_THREAD` in the Makefile): none of them may start a
  /// thread but `RefusalSearch` and `TableTrial`, which wait for their own.
  @Test func theIptablesCommandsStartNoThread() throws {
    let starters = /\b(?:WorkerThread|onNewThread|pthread_create|Thread|Task|async|Dispatch\w*)\b/
    for file in try ["DropIn", "ferrule-legacy-multi", "Syntax", "Compiler", "Extensions", "XTables"].flatMap({
      try Self.sources("Sources/\($0)")
    }) {
      #expect(try Self.text(file).firstMatch(of: starters) == nil, "\(file)")
    }
    let users = try Self.sources("Sources/Kernel").filter { try Self.text($0).contains(/pthread_create|WorkerThread|onNewThread/) }
    #expect(
      Set(users.map { $0.split(separator: "/").last ?? "" }) == [
        "NetworkNamespace.swift", "RefusalSearch.swift", "TableTrial.swift", "WorkerThread.swift",
      ])
  }

  @Test func unsafeCodeHasItsHomes() throws {
    let homes = [
      "Sources/Wire/", "Sources/Capture/", "Sources/SystemNames/", "Sources/Kernel/", "Sources/KernelLab/",
      "Sources/XTables/Structures/Payload.swift",
    ]
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
