public import Evaluator
import XTables

extension TableReach {
  /// Whether no packet gets to a rule and matches it. For a chain that no hook leads to, as if packets of every hook entered it.
  public func isDead(chain: Int, rule: Int) -> Bool { hits[chain][rule].isEmpty }

  /// The rules of which it is not known whether a packet gets to them, because the search of their chain would take too long.
  public var undecided: [(chain: Int, rules: [Int])] { unknown.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// Whether the limit of nodes was reached since, so that nothing is decided.
  public var isExhausted: Bool { space.isExhausted }

  /// Whether some hook leads to a chain, by whatever jumps.
  public func isCalled(chain: Int) -> Bool { isAttached[chain] }

  /// Whether packets may enter a chain.
  public func isEntered(chain: Int) -> Bool { !entries[chain].isEmpty }

  /// A packet that gets to a rule and matches it, as the evaluator shows; nil if none was found.
  public mutating func witness(chain: Int, rule: Int, _ walker: TableWalker) -> Witness? {
    let packets = hits(of: RulePosition(chain: chain, rule: rule), in: .all)
    return witness(of: packets, at: hooks[chain], in: walker) { _, walk in walk.hits.contains { $0.chain == chain && $0.rule == rule } }
  }

  /// A packet of a set for which the evaluator shows what is claimed; nil if none was found.
  ///
  /// - Parameter isShown: whether a packet's walk through the table shows the claim.
  mutating func witness(
    of packets: PacketSet, at hooks: HookMask, in walker: TableWalker, isShown: (inout PacketContext, TableWalk) -> Bool
  ) -> Witness? {
    for hook in hooks.hooks {
      let possible = space.intersection(packets, self.packets(at: hook))
      // Tracking does not find every packet in every state: what is not found in one state is tried in another.
      for part in space.byState(possible) {
        guard let found = space.witness(of: part, at: hook) else { continue }
        for witness in found.statements {
          guard let context = witness.context() else { break }
          var (walked, before) = (context, context)
          let walk = walker.walk(&walked)
          if isShown(&before, walk) { return witness }
        }
      }
    }
    return nil
  }
}
