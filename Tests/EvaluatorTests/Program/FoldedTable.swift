import Netfilter
import Wire

@testable import Evaluator
@testable import XTables

/// A table that is interpreted as it stands, by the definition of its conditions: the slow reference for compiled tables.
struct FoldedTable {
  let table: Table
  var counters: [[Counters]]
  /// The entries that the last packet hit: the rules and the ends of chains are numbered through all chains.
  private(set) var hits: [Int] = []
  private let starts: [Int]
  private let matchSlots: [[Int]]
  private let targetSlots: [[Int]]
  private let depth: Int

  init(_ table: Table) {
    self.table = table
    counters = table.chains.map { [Counters](repeating: .zero, count: $0.rules.count + 1) }
    depth = table.chains.count
    starts = table.chains.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.rules.count + 1) }
    var next = 0
    func number(_ count: (Rule) -> Int) -> [[Int]] {
      table.chains.map { chain in
        chain.rules.map { rule in
          defer { next += count(rule) }
          return next
        }
      }
    }
    matchSlots = number { $0.matches.count }
    targetSlots = number { if case .use = $0.target { 1 } else { 0 } }
  }

  private enum Step {
    case ended(TableOutcome)
    case next, returned
    case chain(Int, isCall: Bool)
  }

  /// Passes a packet through the chain of its hook.
  mutating func run(_ context: inout PacketContext) -> TableOutcome {
    hits = []
    guard let first = table.chains.firstIndex(where: { $0.hook == context.hook }), PacketHead(context) != nil else {
      return .verdict(.accept)
    }
    var (chain, rule) = (first, 0)
    var stack: [(chain: Int, rule: Int)] = []
    while true {
      switch step(chain, rule, &context) {
      case .ended(let outcome): return outcome
      case .next: rule += 1
      case .returned: (chain, rule) = stack.popLast() ?? (first, table.chains[first].rules.count)
      case .chain(let other, let isCall):
        if isCall {
          guard stack.count < depth else { return .verdict(.drop) }
          stack.append((chain, rule + 1))
        }
        (chain, rule) = (other, 0)
      }
    }
  }

  private mutating func step(_ chain: Int, _ number: Int, _ context: inout PacketContext) -> Step {
    let here = table.chains[chain]
    guard number < here.rules.count else {
      hit(chain, number, context)
      return here.hook == nil ? .returned : .ended(.verdict(here.policy == .drop ? .drop : .accept))
    }
    let rule = here.rules[number]
    switch outcome(of: rule, firstSlot: matchSlots[chain][number], &context) {
    case .matched: break
    case .mismatched: return context.isDoomed ? .ended(.hotdrop) : .next
    case .hotdrop: return .ended(.hotdrop)
    case .unknown(let reason): return .ended(.unknown(reason))
    }
    hit(chain, number, context)
    return act(rule.target, slot: targetSlots[chain][number], &context)
  }

  private mutating func hit(_ chain: Int, _ number: Int, _ context: PacketContext) {
    counters[chain][number].packets += 1
    counters[chain][number].bytes += UInt64(context.packet.bytes.count)
    hits.append(starts[chain] + number)
  }

  private func act(_ target: RuleTarget, slot: Int, _ context: inout PacketContext) -> Step {
    if context.isDoomed {
      if case .use(let use) = target, case .target(let behaviour) = use.descriptor.behaviour { _ = behaviour.action(use.payload)(&context) }
      return .ended(.hotdrop)
    }
    switch target {
    case .none: return .next
    case .verdict(.accept): return .ended(.verdict(.accept))
    case .verdict(.drop): return .ended(.verdict(.drop))
    case .verdict(.queue): return .ended(.verdict(.queue(number: 0, bypass: false)))
    case .verdict(.return): return .returned
    case .jump(let name): return table.index(of: name).map { .chain($0, isCall: true) } ?? .ended(.verdict(.drop))
    case .goto(let name): return table.index(of: name).map { .chain($0, isCall: false) } ?? .ended(.verdict(.drop))
    case .use(let use):
      guard case .target(let behaviour) = use.descriptor.behaviour else { return .next }
      context.slot = slot
      switch behaviour.action(use.payload)(&context) {
      case .verdict(let verdict): return .ended(.verdict(verdict))
      case .unknown(let reason): return .ended(.unknown(reason))
      case .proceed, .pause: return PacketHead(context) == nil ? .ended(.verdict(.accept)) : .next
      }
    }
  }

  private func outcome(of rule: Rule, firstSlot: Int, _ context: inout PacketContext) -> MatchOutcome {
    let header = rule.header.condition(table.family).outcome(&context)
    guard header == .matched else { return header }
    var doubt: MatchOutcome?
    for (place, use) in rule.matches.enumerated() {
      guard case .match(let behaviour) = use.descriptor.behaviour else { continue }
      let outcome: MatchOutcome
      if use.condition(table.family).isOpaque {
        // It is not known whether the kernel asks a match behind one whose result is unknown.
        if let doubt { return doubt }
        context.slot = firstSlot + place
        outcome = behaviour.evaluate(use.payload)(&context)
      } else {
        outcome = decide(use, &context)
      }
      switch outcome {
      case .matched: continue
      case .mismatched: return .mismatched
      case .hotdrop: return doubt ?? .hotdrop
      case .unknown: if use.condition(table.family).isOpaque { doubt = doubt ?? outcome } else { return doubt ?? outcome }
      }
    }
    return doubt ?? .matched
  }

  private func decide(_ use: ExtensionUse, _ context: inout PacketContext) -> MatchOutcome {
    var algebra = OnePacket(context)
    let decision = use.condition(table.family).decide(&algebra)
    context.packet.type = algebra.context.packet.type
    let outcome = algebra.outcome(decision)
    if decision.doomed { context.isDoomed = true }
    return outcome
  }
}
