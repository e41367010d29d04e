/// The options of iptables itself, which are known before any extension is loaded.
///
/// The corresponding C table is `original_opts`.
enum GlobalOption: UInt8, CaseIterable {
  case append = 0x41  // A
  case delete = 0x44  // D
  case check = 0x43  // C
  case insert = 0x49  // I
  case replace = 0x52  // R
  case list = 0x4c  // L
  case listRules = 0x53  // S
  case flush = 0x46  // F
  case zero = 0x5a  // Z
  case newChain = 0x4e  // N
  case deleteChain = 0x58  // X
  case renameChain = 0x45  // E
  case policy = 0x50  // P
  case source = 0x73  // s
  case destination = 0x64  // d
  case `protocol` = 0x70  // p
  case input = 0x69  // i
  case output = 0x6f  // o
  case jump = 0x6a  // j
  case goto = 0x67  // g
  case match = 0x6d  // m
  case table = 0x74  // t
  case numeric = 0x6e  // n
  case verbose = 0x76  // v
  case wait = 0x77  // w
  case waitInterval = 0x57  // W
  case exact = 0x78  // x
  case fragment = 0x66  // f
  case version = 0x56  // V
  case help = 0x68  // h
  case lineNumbers = 0x30  // 0
  case modprobe = 0x4d  // M
  case counters = 0x63  // c
  case ipv4 = 0x34  // 4
  case ipv6 = 0x36  // 6

  enum Argument {
    case none, required, optional
  }

  /// All long names; messages use the first one.
  var longNames: [String] {
    switch self {
    case .append: ["append"]
    case .delete: ["delete"]
    case .check: ["check"]
    case .insert: ["insert"]
    case .replace: ["replace"]
    case .list: ["list"]
    case .listRules: ["list-rules"]
    case .flush: ["flush"]
    case .zero: ["zero"]
    case .newChain: ["new-chain"]
    case .deleteChain: ["delete-chain"]
    case .renameChain: ["rename-chain"]
    case .policy: ["policy"]
    case .source: ["source", "src"]
    case .destination: ["destination", "dst"]
    case .protocol: ["protocol"]
    case .input: ["in-interface"]
    case .output: ["out-interface"]
    case .jump: ["jump"]
    case .goto: ["goto"]
    case .match: ["match"]
    case .table: ["table"]
    case .numeric: ["numeric"]
    case .verbose: ["verbose"]
    case .wait: ["wait"]
    case .waitInterval: ["wait-interval"]
    case .exact: ["exact"]
    case .fragment: ["fragments"]
    case .version: ["version"]
    case .help: ["help"]
    case .lineNumbers: ["line-numbers"]
    case .modprobe: ["modprobe"]
    case .counters: ["set-counters"]
    case .ipv4: ["ipv4"]
    case .ipv6: ["ipv6"]
    }
  }

  var argument: Argument {
    switch self {
    case .append, .delete, .check, .insert, .replace, .newChain, .renameChain, .policy, .source, .destination, .protocol,
      .input, .output, .jump, .goto, .match, .table, .modprobe, .counters:
      .required
    case .list, .listRules, .flush, .zero, .deleteChain, .wait, .waitInterval, .help: .optional
    case .numeric, .verbose, .exact, .fragment, .version, .lineNumbers, .ipv4, .ipv6: .none
    }
  }

  /// False for `--line-numbers`, which has no letter; its raw value is `0`.
  var hasLetter: Bool { self != .lineNumbers }

  init?(letter: UInt8) {
    self.init(rawValue: letter)
    guard hasLetter else { return nil }
  }

  /// The letter, for messages.
  var letter: Character { Character(UnicodeScalar(rawValue)) }

  /// The long names as bytes with their options, by first letter from `a`; computed once.
  private static let longNamesByInitial: [[(name: [UInt8], option: GlobalOption)]] = {
    var names = [[(name: [UInt8], option: GlobalOption)]](repeating: [], count: 26)
    for option in allCases {
      for name in option.longNames {
        let bytes = Array(name.utf8)
        names[Int(bytes[0] - UInt8(ascii: "a"))].append((bytes, option))
      }
    }
    return names
  }()

  /// The long names that begin with a letter.
  static func longNames(from initial: UInt8?) -> [(name: [UInt8], option: GlobalOption)] {
    guard let initial, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(initial) else { return [] }
    return longNamesByInitial[Int(initial - UInt8(ascii: "a"))]
  }
}
