import Compiler
import Extensions
import Glibc
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Processes that change rules and the ipsets that they name, and are killed at a random moment. `FERRULE_KILLS` is the number of times;
/// 60 for each backend if unset.
@Suite(.asRoot, .needsTool("ipset"), .serialized) struct SetChangeKillTests {
  private static var rounds: Int { unsafe getenv("FERRULE_KILLS").flatMap { unsafe Int(String(cString: $0)) } ?? 60 }

  /// Version a has a set and a list that b has not, and other elements in the set that both have.
  private static let texts = [
    "a": "create blocked hash:net counters\nadd blocked 10.0.0.0/8\n"
      + (0..<50).map { "add blocked 192.0.2.\($0)\n" }.joined()
      + "create ports bitmap:port range 1-100\nadd ports 80\ncreate all list:set size 8\nadd all ports\n",
    "b": "create blocked hash:net counters\nadd blocked 10.0.0.0/8\n" + (0..<50).map { "add blocked 198.51.100.\($0)\n" }.joined(),
  ]

  /// The version whose sets are loaded, whole, beside what may be left of the change before.
  private static func version() throws -> String? {
    var kernel = try KernelSets()
    let loaded = try kernel.read().sets
    return try ["a", "b"].first { version in
      try AddressSets(saved: texts[version] ?? "").all.allSatisfy { wanted in
        loaded.first { $0.name == wanted.name }.map { wanted.isSame(as: $0) } ?? false
      }
    }
  }

  @Test(arguments: Backend.allCases) func setsAndRulesGoBackTogether(_ backend: Backend) throws {
    let folder = try TemporaryFolder(isInMemory: true)
    let path = folder.path
    let names = NameDatabase.builtin.with(addressSet: { _ in .found(0, nil) }, addressSetName: { _ in nil }, isPinned: { _ in false })
    var files: [String] = []
    for version in ["a", "b"] {
      let text = "*filter\n-A INPUT -m set --match-set blocked src -m comment --comment \(version) -j DROP\nCOMMIT\n"
      files.append("\(path)/\(version)4")
      try HostFile.write(try tables(text, names: names).map { TableCompiler().compile($0).replaceBytes }, to: "\(path)/\(version)4")
    }
    for version in ["a", "b"] {
      files.append("\(path)/\(version)sets")
      try HostFile.write(Array((Self.texts[version] ?? "").utf8), to: "\(path)/\(version)sets")
    }
    let arguments = files
    try NetworkNamespace.onNewThread {
      _ = try HostProcess.run("ipset", ["create", "foreign", "hash:ip"])
      let state = StateDirectory("\(path)/state")
      let probe = BuiltPrograms.folder + "/SandboxProbe"
      func start(_ count: Int) throws -> StartedProcess {
        try StartedProcess(probe, ["change-sets", backend.rawValue, state.path, "\(count)"] + arguments)
      }
      #expect(try !start(1).wait())
      #expect(try Self.version() == "a")
      var random = SeededRandom(seed: 16)
      var recovered = 0
      for round in 0..<Self.rounds {
        let process = try start(1_000_000)
        while !state.hasPending {}
        usleep(UInt32(random.next() % 12_000))
        process.signal(SIGKILL)
        #expect(process.wait(), "it ended by itself")
        if try state.recover(.ferrule) != nil { recovered += 1 }
        #expect(!state.hasPending)
        let rule = try backend.tables(.ferrule).table(.ipv4, .filter).typed(.ferrule)[chain: "INPUT"]?.rules.first
        let line = rule.map { String(decoding: RulePrinter(family: .ipv4, names: .builtin).line($0, chain: "INPUT"), as: UTF8.self) } ?? ""
        let text = line.contains("--comment a ") ? "a" : line.contains("--comment b ") ? "b" : line
        #expect(try Self.version() == text, "round \(round): the rules are those of \(text)")
        #expect(KernelSets.numbers().values.contains("foreign"))
      }
      #expect(recovered > 0, "no change was interrupted: the test has tried nothing")
      // The next change deletes what an interrupted one left.
      #expect(try !start(1).wait())
      #expect(KernelSets.numbers().values.sorted() == ["all", "blocked", "foreign", "ports"])
    }
  }
}
