import XTables

/// A rule of a compiled table in fixed size, as in the kernel: header tests, matches, action.
///
/// The corresponding kernel structure is `ipt_entry`.
struct ProgramEntry: BitwiseCopyable, Sendable {
  /// What a match leads to.
  enum Action: UInt8, BitwiseCopyable, Sendable {
    case accept, drop, queue, `return`
    /// No target: the rule only counts.
    case next
    /// `argument` is the first entry of the chain.
    case jump, goto
    /// `argument` is the index of the target.
    case target
  }

  /// The header fields that a rule can test.
  struct Tests: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    static let source = Tests(rawValue: 0x01)
    static let destination = Tests(rawValue: 0x02)
    static let input = Tests(rawValue: 0x04)
    static let output = Tests(rawValue: 0x08)
    static let `protocol` = Tests(rawValue: 0x10)
    static let fragment = Tests(rawValue: 0x20)
    /// IPv6 only: `-p` was given, so the header chain must be readable even if any protocol matches.
    static let headerChain = Tests(rawValue: 0x40)
  }

  var tests: Tests = []
  var inverted: Tests = []
  var proto: UInt8 = 0
  var action: Action = .next
  var argument: Int32 = 0
  /// The index of its first match in the table's ``MatchProgram``.
  var matches = MatchProgram.empty
  var hasMatches = false
  /// IPv4 addresses, stored inline.
  var source: UInt32 = 0
  var sourceMask: UInt32 = 0
  var destination: UInt32 = 0
  var destinationMask: UInt32 = 0
  /// The index of the IPv6 addresses in the program's list.
  var wide: Int32 = 0
  var input: Int32 = 0
  var output: Int32 = 0
}

/// The addresses of an IPv6 rule.
struct WideAddresses: BitwiseCopyable, Sendable {
  var source: UInt128 = 0
  var sourceMask: UInt128 = 0
  var destination: UInt128 = 0
  var destinationMask: UInt128 = 0
}

/// The place of an entry in its table, for observers.
struct EntryPlace: BitwiseCopyable, Sendable {
  var chain: Int32
  /// From 1; the number of rules plus 1 for the end of a chain.
  var number: Int32
}
