public import Diagnostics
public import XTables

/// One line of a ruleset, or one call of `iptables`, after parsing.
public struct Command: Sendable {
  /// What the command does; each case is one command letter of iptables.
  public enum Verb: Sendable, Hashable {
    /// `-A`.
    case append
    /// `-I`, at a one-based position.
    case insert(at: Int)
    /// `-R`, at a one-based position.
    case replace(at: Int)
    /// `-D` with a rule: deletes the first equal rule.
    case delete
    /// `-D` with a one-based number.
    case deleteNumber(Int)
    /// `-C`.
    case check
    /// `-N`.
    case newChain
    /// `-X`.
    case deleteChain
    /// `-E`.
    case renameChain(to: String)
    /// `-P`, with the policy as written.
    case policy(String)
    /// `-F`.
    case flush
    /// `-Z`.
    case zero
    /// `-Z` with a one-based number.
    case zeroNumber(Int)
    /// `-L`, of one rule if there is a number.
    case list(number: Int?)
    /// `-S`, of one rule if there is a number.
    case listRules(number: Int?)
  }

  /// What the command does.
  public var verb: Verb
  /// What `-Z` sets to zero after a listing (`-L -Z`).
  public enum Zeroing: Sendable, Hashable {
    /// Nothing, or the whole chain (all chains if the command names none).
    case none, chain
    /// The rule with a one-based number.
    case rule(Int)
  }
  /// What is set to zero after a listing.
  public var zeroing = Zeroing.none
  /// The chain; nil if the command applies to all chains.
  public var chain: String?
  /// The place of the chain's name; the place of the whole line if the command names no chain.
  public var chainRange: SourceRange
  /// The rules of the command. Several addresses separated by commas give several rules.
  public var rules: [Rule] = []
  /// The table that `-t` names on a command line.
  public var table: String?
  /// The counters of `-c` with `-P`.
  public var policyCounters: Counters?
  /// The options that change how the command reports or waits.
  public var flags = Flags()
  /// The extensions whose help `--help` prints.
  public var helpSubjects: [ExtensionDescriptor] = []
  /// The words that are values of simple forms, by their index in the line, in order; empty if the parser does not keep them.
  var places: [(word: Int, place: ValuePlace)] = []

  /// Gives the rules the counters that precede them in a file, if there are any.
  mutating func count(_ counters: Counters?) {
    guard let counters else { return }
    for index in rules.indices { rules[index].counters = counters }
  }

  /// The options that change how a command reports or waits.
  public struct Flags: Sendable, Hashable {
    /// `-n`: print numbers instead of names.
    public var isNumeric = false
    /// The number of `-v` options.
    public var verbosity = 0
    /// `-x`: print exact counters.
    public var isExact = false
    /// `--line-numbers`: print rule numbers.
    public var showsLineNumbers = false
    /// `-w`: seconds to wait for the xtables lock. Nil (no `-w`), 0 and negative numbers wait without limit.
    public var wait: Int?
    /// `-W`: microseconds between two attempts to take the lock; ignored, as in iptables 1.8.9.
    public var waitInterval: Int?
    /// `-M`: the command that loads kernel modules.
    public var modprobe: String?
    /// `-4` or `-6` names the other family, so that the line is ignored.
    public var isForOtherFamily = false
    /// `-V`: print the version.
    public var showsVersion = false
    /// `! -V`, which iptables accepts and answers with the version and a smiley.
    public var isVersionDenied = false
    /// `-h`: print the help.
    public var showsHelp = false
  }
}
