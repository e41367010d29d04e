import Netfilter
public import Wire
import XTables

/// A chain at a hook beside the loaded rules: one of another table of nf_tables, or of the other variant of iptables. If its rules are not
/// known, only what they may do, a packet that passes it has an unknown verdict if the chain may drop or change it.
public struct OtherChain: Sendable, Hashable {
  /// Family, table and chain, such as `inet firewalld filter_FORWARD`.
  public var title: String
  /// The hook as iptables names it, or `ingress` or `egress`.
  public var hook: String
  /// Chains at a hook are called in ascending order of priority.
  public var priority: Int32
  /// The families whose packets it sees.
  public var families: [Family]
  /// Whether a rule or the policy may drop a packet.
  public var mayDrop: Bool
  /// Whether a rule may change a packet, its mark or its connection.
  public var mayChange: Bool
  /// The devices of an ingress or egress chain; empty for all.
  public var devices: [String]
  /// What finds its rules among the tables of nf_tables; nil if they cannot be evaluated.
  public var native: NativePlace?
  /// Its rules, and those that they lead to; nil if they are not known.
  public var rules: OtherChainRules?

  /// A base chain of nf_tables.
  public struct NativePlace: Sendable, Hashable {
    /// Family and name of the table.
    public let table: String
    /// The name of the chain.
    public let chain: String
    /// Whether its policy is to drop.
    public let drops: Bool

    /// Creates a place.
    public init(table: String, chain: String, drops: Bool) { (self.table, self.chain, self.drops) = (table, chain, drops) }
  }

  /// Whether packets have to be given to the chain: it may drop or change them, or logs them.
  public var matters: Bool { rules?.hasEffect ?? (mayDrop || mayChange) }

  /// Creates a chain that may do nothing.
  public init(
    title: String, hook: String, priority: Int32, families: [Family], mayDrop: Bool = false, mayChange: Bool = false, devices: [String] = []
  ) {
    self.title = title
    self.hook = hook
    self.priority = priority
    self.families = families
    self.mayDrop = mayDrop
    self.mayChange = mayChange
    self.devices = devices
  }

  /// The place among the operations of the IP layer: a chain at ingress comes before all others, one at egress after them.
  var place: (hook: Hook, priority: Int32)? {
    switch hook {
    case "ingress": (.prerouting, .min)
    case "egress": (.postrouting, .max)
    default: Hook(name: hook).map { ($0, priority) }
    }
  }

  /// The reason why a packet that passes it has no known verdict.
  var reason: UnknownReason {
    let effect = mayDrop && mayChange ? "drop or change" : mayDrop ? "drop" : "change"
    return UnknownReason(sentence: "`\(title)' at \(hook) \(priority) may \(effect) it")
  }
}
