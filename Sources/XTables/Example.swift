public import Conntrack

/// A line of documentation that is also a test: text → rule → text → blob → rule must agree, and where it names a packet, the
/// evaluator and the running kernel must do with that packet what the example says.
public struct Example: Sendable {
  /// What follows `-m name` or `-j name`.
  public let text: String
  /// What iptables-save prints for it; the text itself where nothing else is said, nothing where it must be refused.
  public let saved: String?
  /// What must stand before it in the rule: `-p tcp`.
  public let before: String
  /// The family that takes the text so; nil for every family of the extension.
  public let family: Family?
  /// The table that the rule stands in.
  public let table: TableName
  /// The packet that meets the rule; nil where the example shows the text alone.
  public let trial: Trial?

  /// A packet that meets the rule, and what comes of it.
  public struct Trial: Sendable {
    public enum Outcome: Sendable, Hashable {
      /// The rule matches.
      case matches
      /// The rule does not match.
      case misses
      /// The target acts: what a scenario file expects of the packet under `expect`, without the braces: `mark: 0x5`.
      case becomes(String)
      /// The target acts, and the packet goes on unchanged.
      case passes
      /// The evaluator answers that it cannot tell.
      case unknown
    }

    /// The packet in the notation of `ferrule run`: `eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S`.
    public let packet: String
    /// The packets that come before it, and `wait SECONDS`, in the same notation.
    public let after: [String]
    /// What is there before all packets.
    public let given: Given
    /// The built-in chain of the rule; nil for the first one of its table that the packet passes and the kernel allows.
    public let chain: Hook?
    /// What comes of the packet.
    public let outcome: Outcome
    /// Why the outcome is not the extension's own doing, cannot be seen in the packet, or cannot be told.
    public let reason: String?
  }

  /// What is there before the packets come. Interfaces are `eth0` (10.0.0.1/24, fd00::1/64) and `eth1` (10.0.1.1/24, fd01::1/64),
  /// unless `host` says otherwise.
  public struct Given: Sendable, Hashable {
    /// Rules that stand before the example's, as `iptables` takes them; in the example's table unless they begin with `-t TABLE`.
    public let rules: [String]
    /// The host's sets, as lines of `ipset save`.
    public let sets: [String]
    /// Further members of a scenario file's test, as lines of YAML: `mode: stack`, `clock: 2024-01-31T09:30:00Z`.
    public let host: [String]

    /// Nothing is there but what is named.
    public init(rules: [String] = [], sets: [String] = [], host: [String] = []) {
      self.rules = rules
      self.sets = sets
      self.host = host
    }
  }
}

extension Example {
  /// A text that is taken and saved as written, or as `saved`.
  public static func accepts(
    _ text: String, saved: String? = nil, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: saved ?? text, before: before, family: family, table: table, trial: nil)
  }

  /// A text that user space refuses.
  public static func rejects(
    _ text: String, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: nil, before: before, family: family, table: table, trial: nil)
  }

  /// A match that this packet meets.
  public static func matches(
    _ text: String, _ packet: String, after: [String] = [], given: Given = Given(), saved: String? = nil, before: String = "",
    family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .matches, reason: nil))
  }

  /// A match that this packet does not meet, though it meets the rest of the rule.
  ///
  /// - Parameter reason: why the rest of the rule is what does not match, if it is.
  public static func misses(
    _ text: String, _ packet: String, because reason: String? = nil, after: [String] = [], given: Given = Given(),
    saved: String? = nil, before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .misses, reason: reason))
  }

  /// A target, and what becomes of a packet that it is given.
  ///
  /// - Parameter result: what a scenario file expects under `expect`, without the braces: `mark: 0x5`, `packet: {tos: 16}`.
  public static func acts(
    _ text: String, on packet: String, result: String, after: [String] = [], given: Given = Given(), saved: String? = nil,
    before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .becomes(result), reason: nil))
  }

  /// A target that lets the packet go on unchanged; what it does besides is not seen in the packet.
  public static func passes(
    _ text: String, _ packet: String, because reason: String, after: [String] = [], given: Given = Given(), saved: String? = nil,
    before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .passes, reason: reason))
  }

  /// A match or target of which the evaluator answers that it cannot tell.
  public static func unknown(
    _ text: String, _ packet: String, because reason: String, given: Given = Given(), saved: String? = nil, before: String = "",
    family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: [], given: given, chain: chain, outcome: .unknown, reason: reason))
  }
}
