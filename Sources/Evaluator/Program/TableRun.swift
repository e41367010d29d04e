import Diagnostics
public import Netfilter
import Wire
public import XTables

/// The result of a packet's pass through a table.
public enum TableOutcome: Sendable, Hashable {
  case verdict(NetfilterVerdict)
  /// A match dropped the packet; no rule counted it. Kernel: `xt_action_param.hotdrop`.
  case hotdrop
  /// A target has side effects to perform before the packet continues at this entry.
  case paused(at: Int)
  case unknown(UnknownReason)
}

/// Observes which entries a packet hits.
protocol TableObserver {
  /// True if it is told of every entry that does not match: then no entry is skipped.
  static var seesMisses: Bool { get }
  /// Called before the target runs.
  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext)
  /// Called if an entry does not match.
  mutating func miss(_ entry: Int, of program: TableProgram, _ context: inout PacketContext)
}

extension TableObserver {
  static var seesMisses: Bool { false }
  @inline(__always) mutating func miss(_ entry: Int, of program: TableProgram, _ context: inout PacketContext) {}
}

/// Ignores every event; used when nothing is recorded.
struct NoObserver: TableObserver {
  @inline(__always) mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {}
}

extension TableProgram {
  private static let tooManyJumps = UnknownReason(
    "the verdict", needs: "a limit: the packet makes more than \(Limits.jumpsOfPacket) jumps in this table")

  /// Passes a packet through the chain of its hook.
  ///
  /// The corresponding kernel functions are `ipt_do_table` and `ip6t_do_table`. Bytes are counted from the network header on.
  ///
  /// - Parameter entry: the entry at which to continue after a pause, with an unchanged stack.
  func run<Observer: TableObserver>(
    _ context: inout PacketContext, counting table: LoadedTable, stack: inout JumpStack,
    observer: inout Observer, from entry: Int? = nil
  ) -> TableOutcome {
    let underflow = Int(underflows[context.hook.rawValue])
    var at = entry ?? Int(starts[context.hook.rawValue])
    guard at >= 0, var head = PacketHead(context, usesNfTables: usesNfTables) else { return .verdict(.accept) }
    if entry == nil { stack.reset() }
    // No target of a table translates: NAT does so behind it.
    let hasDrawnPort = context.hasDrawnPort
    var cursor = RuleCursor(isSearching: table.isSearching && !Observer.seesMisses && !hasDrawnPort)
    while true {
      switch test(at, &head, &context, hasDrawnPort) {
      case .matched:
        if usesNfTables, context.isDoomed { return hotdrop(at, context, &observer) }
      case .mismatched:
        if usesNfTables, context.isDoomed { return hotdrop(at, context, &observer) }
        observer.miss(at, of: self, &context)
        // An earlier match of the rule may have dropped the packet.
        if context.isDoomed { return .hotdrop }
        at += 1
        if cursor.isSpent() {
          at = table.seek(at, head, context.packet.bytes, &cursor)
          if table.readsSourcePorts { context.reads.insert(.sourcePort) }
        }
        continue
      case .hotdrop: return hotdrop(at, context, &observer)
      case .unknown(let reason):
        guard let branching = context.world.branching else { return .unknown(reason) }
        guard branching.decide(reason.sentence, probability: nil) else {
          observer.miss(at, of: self, &context)
          at += 1
          continue
        }
      }
      table.count(at, bytes: context.packet.bytes.count)
      observer.hit(at, of: self, context)
      if context.isTraced { context.note { .log(level: 4, line: traceLine(at, $0)) } }
      let argument = Int(entries[at].argument)
      if context.isDoomed {
        if entries[at].action == .target { _ = targets[argument](&context) }
        return .hotdrop
      }
      switch entries[at].action {
      case .accept: return .verdict(.accept)
      case .drop: return .verdict(.drop)
      case .queue: return .verdict(.queue(number: 0, bypass: false))
      case .return:
        at = stack.pop() ?? underflow
        cursor.restart()
      case .next: at += 1
      case .jump:
        guard stack.push(at + 1, limit: stackSize) else { return stack.isSpent ? .unknown(Self.tooManyJumps) : .verdict(.drop) }
        at = argument
        cursor.restart()
      case .goto:
        at = argument
        cursor.restart()
      case .target:
        context.slot = firstSlot + matchCount + argument
        switch targets[argument](&context) {
        case .verdict(let verdict): return .verdict(verdict)
        case .unknown(let reason): return .unknown(reason)
        case .proceed:
          guard let changed = PacketHead(context, usesNfTables: usesNfTables) else { return .verdict(.accept) }
          head = changed
          at += 1
          cursor.restart()
        case .pause: return .paused(at: at + 1)
        }
      }
    }
  }

  /// Drops the packet in a match. In nf_tables this is the verdict of the rule, which is traced but not counted: the counter comes later.
  @inline(__always)
  private func hotdrop(_ at: Int, _ context: borrowing PacketContext, _ observer: inout some TableObserver) -> TableOutcome {
    if usesNfTables { observer.hit(at, of: self, context) }
    return .hotdrop
  }

  /// Tests the header and the matches of an entry.
  ///
  /// - Parameter head: not changed. As a copy it would be made anew for each rule, which takes as long as the test.
  @inline(__always)
  private func test(_ at: Int, _ head: inout PacketHead, _ context: inout PacketContext, _ hasDrawnPort: Bool) -> MatchOutcome {
    let tests = entries[at].tests
    if !tests.isEmpty {
      guard passes(at, tests, &head) else { return .mismatched }
      if tests.contains(.headerChain) {
        // The expressions of nf_tables end the rule if there is no protocol to compare.
        if head.isBroken { return usesNfTables ? .mismatched : .hotdrop }
      }
      if tests.contains(.protocol), (entries[at].proto == head.proto) == entries[at].inverted.contains(.protocol) {
        return .mismatched
      }
    }
    let start = entries[at].matches
    if start == MatchProgram.empty { return .matched }
    guard !hasDrawnPort else { return matches.run(from: start, drawn: &context, head.place) }
    return matches.run(from: start, &context, head.place)
  }

  /// Tests addresses, interfaces and the fragment bit. `head` is not changed.
  @inline(__always)
  private func passes(_ at: Int, _ tests: ProgramEntry.Tests, _ head: inout PacketHead) -> Bool {
    let inverted = entries[at].inverted
    if tests.contains(.source) {
      let differs =
        family == .ipv4
        ? head.source & entries[at].sourceMask != entries[at].source
        : head.wideSource & wides[Int(entries[at].wide)].sourceMask != wides[Int(entries[at].wide)].source
      if differs != inverted.contains(.source) { return false }
    }
    if tests.contains(.destination) {
      let differs =
        family == .ipv4
        ? head.destination & entries[at].destinationMask != entries[at].destination
        : head.wideDestination & wides[Int(entries[at].wide)].destinationMask != wides[Int(entries[at].wide)].destination
      if differs != inverted.contains(.destination) { return false }
    }
    if tests.contains(.input) {
      let pattern = patterns[Int(entries[at].input)]
      if ((head.input ^ pattern.name) & pattern.mask != 0) != inverted.contains(.input) { return false }
    }
    if tests.contains(.output) {
      let pattern = patterns[Int(entries[at].output)]
      if ((head.output ^ pattern.name) & pattern.mask != 0) != inverted.contains(.output) { return false }
    }
    if tests.contains(.fragment), head.isLaterFragment == inverted.contains(.fragment) { return false }
    return true
  }
}
