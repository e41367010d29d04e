internal import Netfilter
public import Wire
internal import XTables

/// A chain at a hook, of whatever part of the kernel: packets pass it in the order of priorities.
public struct BaseChain: Sendable, Hashable {
  /// The part of the kernel that holds it.
  public let holder: OtherRules.Holder
  /// The family as nft(8) writes it, such as `ip`, `ip6` or `inet`.
  public let family: String
  /// The name of the table.
  public let table: String
  /// The name of the chain.
  public let name: String
  /// The hook as iptables names it, or `ingress` or `egress`.
  public let hook: String
  /// Chains at a hook are called in ascending order of priority.
  public let priority: Int32
  /// `filter`, `nat` or `route`.
  public let type: String
  /// Whether the policy is to drop.
  public let drops: Bool
  /// The number of rules in it and in the chains that its rules lead to.
  public let rules: Int
  /// Whether it is a built-in chain of a table of iptables.
  public let isIptables: Bool
  /// Whether a rule or the policy may drop a packet, queue it or answer it.
  public let mayDrop: Bool
  /// Whether a rule may change a packet, its mark or its connection.
  public let mayChange: Bool
  /// The devices of an ingress or egress chain; empty for others.
  public let devices: [String]

  /// Whether it has neither rules nor a policy to drop.
  public var isIdle: Bool { rules == 0 && !drops }

  /// What a dry run knows of the rules that it leads to.
  public internal(set) var knowledge = Knowledge.none

  /// What a dry run knows of the rules of a chain beside those of iptables.
  public enum Knowledge: String, Sendable, Hashable {
    /// Nothing but what they may do.
    case none
    /// The meaning of some.
    case partial
    /// The meaning of all.
    case whole
  }

  /// Whether it may drop or change a packet.
  public var matters: Bool { mayDrop || mayChange }

  /// The families whose packets it sees.
  public var families: [Family] {
    switch family {
    case "ip": [.ipv4]
    case "ip6": [.ipv6]
    case "inet", "netdev": [.ipv4, .ipv6]
    default: []
    }
  }

  /// Family, table and chain as nft(8) writes them.
  public var title: String { "\(family) \(table) \(name)" }

  /// For messages: `nf_tables chain inet firewalld filter_FORWARD (FORWARD, priority 10, 12 rules, policy accept)`.
  public var description: String {
    let count = rules == 1 ? "1 rule" : "\(rules) rules"
    return "\(holder.rawValue) chain \(title) (\(hook), priority \(priority), \(count), policy \(drops ? "drop" : "accept"))"
  }
}

/// What a chain may do to packets, and how many rules it leads to.
struct ChainEffect {
  var rules = 0
  var mayDrop = false
  var mayChange = false

  /// Follows the jumps from a chain.
  ///
  /// - Parameters:
  ///   - start: the index of the chain.
  ///   - count: the number of chains.
  ///   - visit: adds what the rules of a chain do, and returns the indices of the chains that they lead to.
  init(from start: Int, of count: Int, _ visit: (Int, inout ChainEffect) -> [Int]) {
    var isSeen = [Bool](repeating: false, count: count)
    var waiting = [start]
    isSeen[start] = true
    while let chain = waiting.popLast() {
      for next in visit(chain, &self) where !isSeen[next] {
        isSeen[next] = true
        waiting.append(next)
      }
    }
  }

  /// Adds what a target does.
  mutating func add(_ use: ExtensionUse, _ family: Family) {
    guard case .target(let behaviour) = use.descriptor.behaviour, !use.descriptor.isMeaningUnknown else {
      (mayDrop, mayChange) = (true, true)
      return
    }
    if behaviour.ending != .never { mayDrop = true }
    if Hook.allCases.contains(where: { !use.descriptor.effects(use.payload, EffectSite(family: family, hook: $0)).isEmpty }) {
      mayChange = true
    }
  }

  /// Adds what a rule of iptables does.
  mutating func add(_ rule: Rule, _ family: Family) {
    rules += 1
    switch rule.target {
    case .none, .jump, .goto, .verdict(.accept), .verdict(.return): break
    case .verdict(.drop), .verdict(.queue): mayDrop = true
    case .use(let use): add(use, family)
    }
  }
}
