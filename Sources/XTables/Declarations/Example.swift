public import Netfilter
public import Wire

/// A line of documentation that is also a test: text → rule → text → blob → rule must agree. If the example has a packet, the
/// evaluator and the running kernel must give the outcome that the example states.
public struct Example: Sendable {
  /// The words after `-m name` or `-j name`.
  public let text: String
  /// What iptables-save prints for the rule; nil if the text must be refused.
  public let saved: String?
  /// The words before `-m` or `-j` in the rule, such as `-p tcp`.
  public let before: String
  /// The only family in which the example holds; nil for every family of the extension.
  public let family: Family?
  /// The table of the rule.
  public let table: TableName
  /// The packet that meets the rule; nil if the example shows only text.
  public let trial: Trial?

  /// A packet that meets the rule, and its outcome.
  public struct Trial: Sendable {
    /// What must happen when the packet meets the rule.
    public enum Outcome: Sendable, Hashable {
      /// The rule matches.
      case matches
      /// The rule does not match.
      case misses
      /// The target acts. The text is the `expect` of a scenario file without the braces: `mark: 0x5`.
      case becomes(String)
      /// The target acts, and the packet proceeds unchanged.
      case passes
      /// The evaluator answers *unknown*.
      case unknown
    }

    /// The packet in the notation of `ferrule run`: `eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S`.
    public let packet: String
    /// Packets that are sent before it, in the same notation, and `wait SECONDS`.
    public let after: [String]
    /// What is set up before the first packet.
    public let given: Given
    /// The built-in chain of the rule; nil for the first chain of the table that the packet passes and in which the kernel accepts
    /// the extension.
    public let chain: Hook?
    /// The expected outcome.
    public let outcome: Outcome
    /// Why the outcome is not caused by the extension, is not visible in the packet, or is unknown; nil otherwise.
    public let reason: String?
  }

  /// What is set up before the packets are sent. The interfaces are `eth0` (10.0.0.1/24, fd00::1/64) and `eth1` (10.0.1.1/24,
  /// fd01::1/64), unless `host` defines others.
  public struct Given: Sendable, Hashable {
    /// Rules before the example's rule, as arguments of `iptables`; in the same table unless they begin with `-t TABLE`.
    public let rules: [String]
    /// The ipsets, as lines of `ipset save`.
    public let sets: [String]
    /// Further keys of a scenario file's test, as lines of YAML: `mode: stack`, `clock: 2024-01-31T09:30:00Z`.
    public let host: [String]

    /// Creates a set-up; empty by default.
    public init(rules: [String] = [], sets: [String] = [], host: [String] = []) {
      self.rules = rules
      self.sets = sets
      self.host = host
    }
  }
}

extension Example {
  /// A text that is accepted, and saved unchanged or as `saved`.
  public static func accepts(
    _ text: String, saved: String? = nil, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: saved ?? text, before: before, family: family, table: table, trial: nil)
  }

  /// A text that iptables refuses in user space.
  public static func rejects(
    _ text: String, before: String = "", family: Family? = nil, table: TableName = .filter
  ) -> Example {
    Example(text: text, saved: nil, before: before, family: family, table: table, trial: nil)
  }

  /// A match that matches this packet.
  public static func matches(
    _ text: String, _ packet: String, after: [String] = [], given: Given = Given(), saved: String? = nil, before: String = "",
    family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .matches, reason: nil))
  }

  /// A match that does not match this packet, though the rest of the rule does.
  ///
  /// - Parameter reason: why the rest of the rule does not match, if that is the case.
  public static func misses(
    _ text: String, _ packet: String, because reason: String? = nil, after: [String] = [], given: Given = Given(),
    saved: String? = nil, before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .misses, reason: reason))
  }

  /// A target, and its effect on a packet.
  ///
  /// - Parameter result: the `expect` of a scenario file without the braces: `mark: 0x5`, `packet: {tos: 16}`.
  public static func acts(
    _ text: String, on packet: String, result: String, after: [String] = [], given: Given = Given(), saved: String? = nil,
    before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .becomes(result), reason: nil))
  }

  /// A target after which the packet proceeds unchanged. Any other effect is not visible in the packet.
  public static func passes(
    _ text: String, _ packet: String, because reason: String, after: [String] = [], given: Given = Given(), saved: String? = nil,
    before: String = "", family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: after, given: given, chain: chain, outcome: .passes, reason: reason))
  }

  /// A match or target for which the evaluator answers *unknown*.
  public static func unknown(
    _ text: String, _ packet: String, because reason: String, given: Given = Given(), saved: String? = nil, before: String = "",
    family: Family? = nil, table: TableName = .filter, chain: Hook? = nil
  ) -> Example {
    Example(
      text: text, saved: saved ?? text, before: before, family: family, table: table,
      trial: Trial(packet: packet, after: [], given: given, chain: chain, outcome: .unknown, reason: reason))
  }
}
