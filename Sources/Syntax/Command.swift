public import Diagnostics
public import XTables

/// One line of a ruleset, or one call of `iptables`, after parsing.
public struct Command: Sendable {
  public enum Verb: Sendable, Hashable {
    case append
    /// At a one-based position.
    case insert(at: Int)
    case replace(at: Int)
    /// The first rule equal to the one given.
    case delete
    case deleteNumber(Int)
    case check
    case newChain
    case deleteChain
    case renameChain(to: String)
    case policy(String)
    case flush
    case zero
    case zeroNumber(Int)
    case list(number: Int?)
    case listRules(number: Int?)
  }

  public var verb: Verb
  /// What a listing sets to zero afterwards, where `-Z` goes with it.
  public enum Zeroing: Sendable, Hashable {
    case none, chain
    case rule(Int)
  }
  public var zeroing = Zeroing.none
  /// Nothing where a command applies to all chains.
  public var chain: String?
  public var chainRange: SourceRange
  /// The rules the command speaks of: more than one where addresses are listed with commas.
  public var rules: [Rule] = []
  /// The table named by `-t`, on a command line.
  public var table: String?
  /// The counters of `-c` for a policy.
  public var policyCounters: Counters?
  public var flags = Flags()
  /// The extensions `--help` is to speak of.
  public var helpSubjects: [ExtensionDescriptor] = []

  /// The rules, with the counters that stood before them, where there were any.
  func rules(counting counters: Counters?) -> [Rule] {
    guard let counters else { return rules }
    return rules.map { rule in
      var rule = rule
      rule.counters = counters
      return rule
    }
  }

  /// The options that change how a command reports or waits.
  public struct Flags: Sendable, Hashable {
    public var isNumeric = false
    public var verbosity = 0
    public var isExact = false
    public var showsLineNumbers = false
    /// Seconds to wait for the lock; nothing, zero and `-1` mean for ever.
    public var wait: Int?
    public var waitInterval: Int?
    public var modprobe: String?
    /// `-4` or `-6` names the other family: the line is to be ignored.
    public var isForOtherFamily = false
    public var showsVersion = false
    /// `! --version`, at which iptables winks.
    public var isVersionDenied = false
    public var showsHelp = false
  }
}
