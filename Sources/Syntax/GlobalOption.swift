/// The options every rule knows, before any extension adds its own.
///
/// The corresponding C table is `original_opts`.
enum GlobalOption: Character, CaseIterable {
  case append = "A", delete = "D", check = "C", insert = "I", replace = "R", list = "L", listRules = "S", flush = "F"
  case zero = "Z", newChain = "N", deleteChain = "X", renameChain = "E", policy = "P"
  case source = "s", destination = "d", `protocol` = "p", input = "i", output = "o", jump = "j", goto = "g", match = "m"
  case table = "t", numeric = "n", verbose = "v", wait = "w", waitInterval = "W", exact = "x", fragment = "f"
  case version = "V", help = "h", lineNumbers = "0", modprobe = "M", counters = "c", ipv4 = "4", ipv6 = "6"

  enum Argument {
    case none, required, optional
  }

  /// All long names, the first being the one shown.
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

  /// `0` stands for `--line-numbers`, which has no letter.
  var hasLetter: Bool { self != .lineNumbers }

  /// The long names as bytes with their options, made once.
  static let byLongName: [(name: [UInt8], option: GlobalOption)] = allCases.flatMap { option in
    option.longNames.map { (Array($0.utf8), option) }
  }
}
