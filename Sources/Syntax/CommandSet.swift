/// The commands of one line. The corresponding C constants are `CMD_*`.
struct CommandSet: OptionSet {
  let rawValue: UInt32

  static let insert = CommandSet(rawValue: 1 << 0)
  static let delete = CommandSet(rawValue: 1 << 1)
  static let deleteNumber = CommandSet(rawValue: 1 << 2)
  static let replace = CommandSet(rawValue: 1 << 3)
  static let append = CommandSet(rawValue: 1 << 4)
  static let list = CommandSet(rawValue: 1 << 5)
  static let flush = CommandSet(rawValue: 1 << 6)
  static let zero = CommandSet(rawValue: 1 << 7)
  static let newChain = CommandSet(rawValue: 1 << 8)
  static let deleteChain = CommandSet(rawValue: 1 << 9)
  static let policy = CommandSet(rawValue: 1 << 10)
  static let renameChain = CommandSet(rawValue: 1 << 11)
  static let listRules = CommandSet(rawValue: 1 << 12)
  static let zeroNumber = CommandSet(rawValue: 1 << 13)
  static let check = CommandSet(rawValue: 1 << 14)

  static let withRule: CommandSet = [.append, .insert, .replace, .delete, .check]

  /// The letter of the last command, in the order above.
  var letter: Character {
    let letters: [Character] = ["I", "D", "D", "R", "A", "L", "F", "Z", "N", "X", "P", "E", "S", "Z", "C"]
    return letters[min(letters.count - 1, max(0, UInt32.bitWidth - 1 - rawValue.leadingZeroBitCount))]
  }

  /// Whether an option may be used with the commands. ``checkedOptions`` has the order in which iptables checks them.
  func allows(_ option: GlobalOption) -> Bool {
    switch option {
    case .source, .destination, .protocol, .jump, .input, .output, .fragment: !isDisjoint(with: .withRule)
    case .numeric, .exact, .lineNumbers: contains(.list)
    case .counters: !isDisjoint(with: [.append, .insert, .replace, .policy])
    default: true
    }
  }

  static let checkedOptions: [GlobalOption] = [
    .numeric, .source, .destination, .protocol, .jump, .exact, .input, .output, .lineNumbers, .counters, .fragment,
  ]
}
