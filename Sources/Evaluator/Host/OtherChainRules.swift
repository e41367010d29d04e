public import Netfilter
import Wire
public import XTables

/// The rules that packets can reach from a chain beside the loaded rules, ready to be run.
public final class OtherChainRules: Sendable {
  /// The table of the chain.
  public let table: NativeTable
  /// Whether the policy of the chain is to drop.
  public let drops: Bool
  private let chain: String
  private let ipv4: TableProgram?
  private let ipv6: TableProgram?

  /// Compiles the rules.
  ///
  /// - Parameters:
  ///   - slot: the number under which the first rule with a state stores it; less than 0, as the loaded rules have the others.
  /// - Returns: nil if the table does not have the chain, or rules lead to chains that it does not have, or lead in a loop.
  public init?(_ table: NativeTable, chain: String, at hook: Hook, drops: Bool, slot: Int, _ fields: NativeFields) {
    func program(_ family: Family) -> TableProgram? {
      guard table.family.families.contains(family),
        let native = NativeProgram(table, chain: chain, hook, drops: drops, family, fields)
      else { return nil }
      // Both families have the same rules, and so share the state of each.
      return try? TableProgram(native, firstSlot: slot)
    }
    (self.table, self.chain, self.drops) = (table, chain, drops)
    (ipv4, ipv6) = (program(.ipv4), program(.ipv6))
    guard table.family.families.allSatisfy({ self.program($0) != nil }) else { return nil }
  }

  /// The program for a family; nil if the chain does not see its packets.
  func program(_ family: Family) -> TableProgram? { family == .ipv4 ? ipv4 : ipv6 }

  /// Whether a rule or the policy may drop, change or log packets.
  public var hasEffect: Bool {
    drops || table.chains.contains { chain in chain.rules.contains { $0.hasEffect } }
  }

  /// How many numbers its rules with a state occupy.
  public var slotCount: Int { max(ipv4?.slotCount ?? 0, ipv6?.slotCount ?? 0) }
}

extension OtherChainRules: Hashable {
  /// Whether both are the rules of the same chain.
  public static func == (left: OtherChainRules, right: OtherChainRules) -> Bool {
    left === right || left.table == right.table && left.chain == right.chain && left.drops == right.drops
  }

  /// Hashes the chain.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(table.title)
    hasher.combine(chain)
  }
}
