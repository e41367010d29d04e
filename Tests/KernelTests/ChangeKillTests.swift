import Compiler
import Extensions
import Glibc
import Kernel
import TestSupport
import Testing
import Wire
import XTables

/// Processes that change six tables of both families and are ended at a random moment. `FERRULE_KILLS` is the number of times on
/// ip_tables; 100 if unset. On nf_tables it is half of that.
@Suite(.asRoot, .serialized) struct ChangeKillTests {
  private static var rounds: Int { unsafe getenv("FERRULE_KILLS").flatMap { unsafe Int(String(cString: $0)) } ?? 100 }

  private static func files(_ folder: String, _ rulesets: [String: [TableBlob]]) throws -> [String] {
    var paths: [String] = []
    for version in ["a", "b"] {
      for family in [Family.ipv4, .ipv6] {
        let path = "\(folder)/\(version)\(family.rawValue)"
        try HostFile.write((rulesets[version] ?? []).filter { $0.family == family }.map(\.replaceBytes), to: path)
        paths.append(path)
      }
    }
    return paths
  }

  private struct Tally {
    var (untouched, recovered, mixtures) = (0, 0, 0)
  }

  /// Starts a process that changes the tables without pause, sends packets meanwhile, and ends it after a random time.
  private static func play(_ signal: Int32, on backend: Backend, rounds: Int) throws -> Tally {
    // With a disk, a change would wait for it most of the time, and signals would seldom meet the rest.
    let folder = try TemporaryFolder(isInMemory: true)
    let path = folder.path
    let rulesets = ["a": try TwoRulesets.blobs("a", rules: 50), "b": try TwoRulesets.blobs("b", rules: 50)]
    let files = try files(path, rulesets)
    return try NetworkNamespace.onNewThread {
      let sender = try LoopbackSender()
      defer { sender.close() }
      let kernel = backend.tables(.ferrule)
      try kernel.replace(rulesets["a"] ?? [], ReplaceOptions())
      var tally = Tally()
      var sent: UInt64 = 0
      var random = SeededRandom(seed: UInt64(signal))
      for round in 0..<rounds {
        let state = StateDirectory("\(path)/\(round)")
        let process = try StartedProcess(
          BuiltPrograms.folder + "/SandboxProbe", ["change", backend.rawValue, state.path, "1000000"] + files)
        // Until the change is recorded, there is nothing to interrupt.
        while !state.hasPending {}
        let end = ContinuousClock.now + .microseconds(Int(random.next() % (round % 4 == 0 ? 100_000 : 6_000)))
        while ContinuousClock.now < end {
          sender.send()
          sent += 1
        }
        process.signal(signal)
        #expect(process.wait(), "it ended by itself")
        if try TwoRulesets.version(rulesets, in: kernel) == nil { tally.mixtures += 1 }
        if try state.recover(.ferrule) == nil { tally.untouched += 1 } else { tally.recovered += 1 }
        #expect(try TwoRulesets.version(rulesets, in: kernel) != nil, "round \(round): the tables are a mixture")
        #expect(!state.hasPending)
        for (table, packets) in try TwoRulesets.keptPackets(in: kernel) { #expect(packets == sent, "round \(round), \(table)") }
      }
      return tally
    }
  }

  @Test func whenKilledTheTablesAreWholeAfterTheNextCommand() throws {
    let tally = try Self.play(SIGKILL, on: .legacy, rounds: Self.rounds)
    print("SIGKILL: \(Self.rounds) times, \(tally.recovered) recovered, \(tally.mixtures) of them mixtures")
    #expect(tally.recovered > 0 && tally.mixtures > 0, "no change was interrupted: the test has tried nothing")
  }

  /// nf_tables replaces all tables of both families in one call: there is nothing in between.
  @Test func whenKilledTheTablesOfNfTablesAreWholeAtOnce() throws {
    let rounds = max(30, Self.rounds / 2)
    let tally = try Self.play(SIGKILL, on: .nft, rounds: rounds)
    print("SIGKILL on nf_tables: \(rounds) times, \(tally.recovered) recovered, \(tally.mixtures) of them mixtures")
    #expect(tally.recovered > 0, "no change was interrupted: the test has tried nothing")
    #expect(tally.mixtures == 0)
  }

  @Test(arguments: [SIGHUP, SIGINT, SIGTERM], Backend.allCases) func aSignalWaitsUntilTheTablesAreWhole(
    _ signal: Int32, _ backend: Backend
  ) throws {
    let tally = try Self.play(signal, on: backend, rounds: max(10, Self.rounds / (backend == .nft ? 10 : 5)))
    #expect(tally.recovered == 0 && tally.mixtures == 0)
  }
}
