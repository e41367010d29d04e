import Diagnostics
import Extensions
import Foundation
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Evaluator

/// Chains with an index against the same chains without one, and against tables that are not compiled.
///
/// `FERRULE_INDEX_PACKETS=N` passes N packets instead of 100,000; `FERRULE_SEED=S` draws other tables.
@Suite("Indices over rules") struct FastProgramTests {
  /// What a packet met in one of the variants.
  private struct Passage: Equatable {
    var outcome: TableOutcome
    var hits: [Int]
    var packet: Packet
    var words: [UInt32]
    var isTraced: Bool
    var effects: String

    init(_ outcome: TableOutcome, _ hits: [Int], _ context: PacketContext) {
      (self.outcome, self.hits, packet) = (outcome, hits, context.packet)
      words = [context.mark, context.priority, context.securityMark, context.realms]
      isTraced = context.isTraced
      effects = context.effects.isEmpty ? "" : "\(context.effects)"
    }
  }

  /// A compiled table with packets and memory of its own.
  private struct Variant {
    var draw: DrawnContexts
    let packets: [PacketContext]
    let loaded: LoadedTable

    init(_ program: TableProgram, _ draw: DrawnContexts, _ packets: [PacketContext], _ indexing: ChainIndexing) {
      (self.draw, self.packets, loaded) = (draw, packets, LoadedTable(program, indexing: indexing))
      program.start(in: draw.world)
    }

    func pass(_ number: Int) -> Passage {
      var (context, stack, observer) = (packets[number], JumpStack(), Recorder())
      var outcome = loaded.program.run(&context, counting: loaded, stack: &stack, observer: &observer)
      while case .paused(let entry) = outcome {
        outcome = loaded.program.run(&context, counting: loaded, stack: &stack, observer: &observer, from: entry)
      }
      return Passage(outcome, observer.hits, context)
    }
  }

  private struct Recorder: TableObserver {
    /// The entries that the packet hit.
    var hits: [Int] = []
    mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) { hits.append(entry) }
  }

  /// What the packets of all rounds met, so that a test in which nothing happens fails.
  private struct Tally {
    var packets = 0
    var outcomes: [String: Int] = [:]
    var deciders: Set<Int> = []
    var indices = 0
    /// Hits of rules that are not among the first ones of a chain, which are found by an index.
    var deepHits = 0

    mutating func note(_ passage: Passage, of program: TableProgram) {
      packets += 1
      deepHits += passage.hits.count { Int(program.places[$0].number) > LoadedTable.shortChain }
      let name =
        switch passage.outcome {
        case .unknown: "unknown"
        case .verdict(let verdict): "\(verdict)"
        default: "\(passage.outcome)"
        }
      outcomes[name, default: 0] += 1
      deciders.insert(passage.hits.last ?? -1)
    }
  }

  private static func memory(of world: World) -> [String] {
    Mirror(reflecting: world.memory).children.flatMap { child -> [String] in
      guard let states = child.value as? [AnyHashable: Any] else { return ["\(child.value)"] }
      // The order of a set or a dictionary differs between equal ones.
      return states.map { state in
        var text = ""
        dump(state.value, to: &text)
        return "\(state.key): \(text.split(separator: "\n").sorted())"
      }.sorted()
    }
  }

  /// Passes packets through a drawn table in all variants.
  private static func play(rules: Int, packets count: Int, seed: UInt64, withFold: Bool, _ tally: inout Tally) throws {
    var draws = try (0..<3).map { _ in try DrawnContexts(seed: seed) }
    var choice = try DrawnContexts(seed: seed &+ 1)
    let (family, hook) = (choice.pick([Family.ipv4, .ipv6]), choice.pick([Hook.input, .forward, .prerouting, .output]))
    let pools = draws.indices.map { number in (0..<60).compactMap { _ in draws[number].context(family, at: hook) } }
    let table = DrawnTables(near: pools[0], at: hook, family, nearness: choice.pick([0.02, 0.2, 0.6])).table(rules: rules, &choice)
    let program = try TableProgram(table)
    let fast = Variant(program, draws[0], pools[0], .always)
    let linear = Variant(program, draws[1], pools[1], .never)
    var fold = FoldedTable(table)
    if withFold { program.start(in: draws[2].world) }
    func differ(_ passage: Passage, _ other: Passage, _ packet: PacketContext) {
      Issue.record("seed \(seed), \(rules) rules, packet \(Hex.string(packet.packet.bytes)): \(passage), not \(other)")
    }
    for _ in 0..<count {
      let number = choice.number(0...(pools[0].count - 1))
      let passage = fast.pass(number)
      tally.note(passage, of: program)
      let walk = linear.pass(number)
      if passage != walk { differ(passage, walk, pools[0][number]) }
      if withFold {
        var context = pools[2][number]
        let outcome = fold.run(&context)
        var meaning = Passage(outcome, fold.hits, context)
        // The lines that TRACE logs are those of compiled tables.
        if meaning.isTraced { meaning.effects = passage.effects }
        if passage != meaning { differ(passage, meaning, pools[2][number]) }
      }
      let pause = UInt64(choice.number(0...50)) * 1_000_000
      for draw in draws { draw.world.now += pause }
    }
    #expect(fast.loaded.counters == linear.loaded.counters, "seed \(seed)")
    #expect(memory(of: draws[0].world) == memory(of: draws[1].world), "seed \(seed)")
    #expect(draws[0].world.memory.uses == draws[1].world.memory.uses, "seed \(seed)")
    if withFold {
      #expect(fast.loaded.counters == fold.counters.flatMap { $0 }, "seed \(seed)")
      #expect(memory(of: draws[0].world) == memory(of: draws[2].world), "seed \(seed)")
    }
    tally.indices += program.chainStarts.indices.filter { fast.loaded.index(of: $0) != nil }.count
  }

  private static let packets = ProcessInfo.processInfo.environment["FERRULE_INDEX_PACKETS"].flatMap { Int($0) } ?? 100_000
  private static let seed = ProcessInfo.processInfo.environment["FERRULE_SEED"].flatMap { UInt64($0) } ?? 17

  @Test("a packet meets the same rules with an index, without one, and by the definition of the conditions", arguments: 0..<4)
  func aPacketMeetsTheSameRules(_ part: Int) throws {
    var tally = Tally()
    var seed = (Self.seed &* 4 &+ UInt64(part)) &* 1_000_003
    while tally.packets < Self.packets / 4 {
      seed &+= 1
      let rules = [1, 10, 66, 80, 120, 200][Int(seed % 6)]
      try Self.play(rules: rules, packets: 1000, seed: seed, withFold: seed % 5 == 0, &tally)
    }
    #expect(tally.indices > 10 && tally.deciders.count > 40 && tally.deepHits > tally.packets / 4, "\(tally)")
    for outcome in ["accept", "drop", "hotdrop", "unknown"] { #expect(tally.outcomes[outcome, default: 0] > 20, "\(tally.outcomes)") }
  }

  @Test("the same holds of large tables", arguments: [1000, 5000])
  func theSameHoldsOfLargeTables(_ rules: Int) throws {
    var tally = Tally()
    for seed in 0..<UInt64(4) { try Self.play(rules: rules, packets: 300, seed: Self.seed &+ seed, withFold: false, &tally) }
    #expect(tally.indices >= 4 && tally.deciders.count > 8 && tally.deepHits > tally.packets / 4, "\(tally)")
  }

  // MARK: Indices

  private static func packet(_ family: Family = .ipv4, world: World) throws -> PacketContext {
    let (source, destination) = family == .ipv4 ? ("192.0.2.7", "198.51.100.9") : ("2001:db8::7", "2001:db8:1::9")
    let fields = PacketFields(
      try #require(IPAddress(source)), try #require(IPAddress(destination)), proto: .udp)
    return PacketContext(packet: try fields.packet(), family: family, hook: .input, world: world)
  }

  /// A chain of rules with a source each.
  private static func table(_ family: Family = .ipv4, rules count: Int, header: (Int) -> AddressMask) -> Table {
    var table = Table(.filter, family)
    let rules = (0..<count).map { number in
      var rule = Rule(target: .verdict(.drop))
      rule.header.source = header(number)
      return rule
    }
    table.update(at: 0) { $0.rules = rules }
    return table
  }

  private static func host(_ number: Int) -> AddressMask { AddressMask(address: 10 << 24 | UInt128(number), mask: 0xffff_ffff) }

  @Test("an index is built once the rules have been tested often, not for short chains, and anew for a new table")
  func anIndexIsBuiltOnceItIsWorthIt() throws {
    let draw = try DrawnContexts(seed: 1)
    func packetsUntilIndex(_ loaded: LoadedTable, most: Int) throws -> Int? {
      for number in 1...most {
        var (context, stack, observer) = (try Self.packet(world: draw.world), JumpStack(), NoObserver())
        #expect(loaded.program.run(&context, counting: loaded, stack: &stack, observer: &observer) == .verdict(.accept))
        if loaded.index(of: 0) != nil { return number }
      }
      return nil
    }
    let program = try TableProgram(Self.table(rules: 500, header: Self.host))
    let first = try #require(try packetsUntilIndex(LoadedTable(program), most: 2000))
    #expect(first > 100)
    #expect(try packetsUntilIndex(LoadedTable(program), most: first - 1) == nil)
    #expect(try packetsUntilIndex(LoadedTable(program, indexing: .always), most: 1) == 1)
    #expect(try packetsUntilIndex(LoadedTable(program, indexing: .never), most: 2 * first) == nil)
    let short = try TableProgram(Self.table(rules: LoadedTable.shortChain, header: Self.host))
    #expect(try packetsUntilIndex(LoadedTable(short, indexing: .always), most: 2000) == nil)
  }

  @Test("an index takes at most 120 bytes a rule, whatever the rules are", arguments: [Family.ipv4, .ipv6])
  func anIndexIsSmall(_ family: Family) throws {
    let (width, draw) = (family.addressBits, try DrawnContexts(seed: 2))
    var generator = SeededRandom(seed: 3)
    func random(_ bits: Int) -> UInt128 { UInt128.random(in: 0..<(1 << UInt128(bits)), using: &generator) }
    let shapes: [(Int) -> AddressMask] = [
      { _ in AddressMask(address: random(width - 1), mask: AddressMask.mask(prefix: width, family)) },
      { number in
        let mask = AddressMask.mask(prefix: 8 + number % (width - 8), family)
        return AddressMask(address: random(width - 1) & mask, mask: mask)
      },
      // Nested prefixes, equal rules, and masks with holes: what cannot be told apart. None matches the packet.
      { number in
        let mask = AddressMask.mask(prefix: 1 + number % (width - 1), family)
        return AddressMask(address: UInt128(family == .ipv4 ? 0x7f : 0xff) << UInt128(width - 8) & mask, mask: mask)
      },
      { _ in AddressMask(address: 0, mask: 1) },
      { number in AddressMask(address: UInt128(number & 0xff00) | 0xff, mask: 0xffff) },
    ]
    for shape in shapes {
      let loaded = LoadedTable(try TableProgram(Self.table(family, rules: 2000, header: shape)), indexing: .always)
      var (context, stack, observer) = (try Self.packet(family, world: draw.world), JumpStack(), NoObserver())
      _ = loaded.program.run(&context, counting: loaded, stack: &stack, observer: &observer)
      let index = try #require(loaded.index(of: 0))
      #expect(index.size <= 120 * 2000, "\(index.size / 2000) bytes a rule")
    }
  }

  @Test("what the matches of a rule require is known before the first match with state")
  func whatMatchesRequireIsKnown() throws {
    func bounds(_ rule: String) throws -> MatchBounds {
      let text = "*filter\n-A INPUT \(rule)\nCOMMIT\n"
      let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
        .parse(SourceFile(name: "rule", bytes: Array(text.utf8)))
      let program = try TableProgram(try #require(parsed.ruleset.tables.first))
      return program.matches.bounds(from: program.entries[0].matches)
    }
    func interval(_ low: UInt128, _ high: UInt128) -> MatchBounds.Interval { MatchBounds.Interval(low: low, high: high) }
    let all = MatchBounds.Interval()
    #expect(try bounds("-p tcp -m tcp --sport 1:2 --dport 80").firstHalf == interval(1, 2))
    #expect(try bounds("-p tcp -m tcp --sport 1:2 --dport 80").secondHalf == interval(80, 80))
    #expect(try bounds("-p tcp -m multiport --dports 80,443,8000:8100").secondHalf == interval(80, 8100))
    #expect(try bounds("-p tcp -m multiport --ports 80,443").secondHalf == all)
    #expect(try bounds("-p tcp -m tcp ! --dport 80").secondHalf == all)
    #expect(try bounds("-p tcp -m conntrack --ctstate NEW -m tcp --dport 80").secondHalf == interval(80, 80))
    #expect(try bounds("-p tcp -m tcp --dport 80 -m limit --limit 1/sec").secondHalf == interval(80, 80))
    #expect(try bounds("-p tcp -m limit --limit 1/sec -m tcp --dport 80").secondHalf == all)
    #expect(try bounds("-p icmp -m icmp --icmp-type 8").firstHalf == interval(0x0800, 0x08ff))
    #expect(try bounds("-m iprange --src-range 10.0.0.1-10.0.0.9").source == interval(0x0a00_0001, 0x0a00_0009))
    #expect(try bounds("-p tcp -m tcp --dport 80").extent == 20)
  }
}
