import Diagnostics
import Syntax
import Wire
import XTables

/// The matches and the target that a line names, and their options.
struct LineExtensions {
  let words: [Token]
  /// The declared extensions of the line, in the order in which it names them.
  let uses: [ExtensionDescriptor]

  private static let matches: Set<String> = ["-m", "--match"]
  private static let protocols: Set<String> = ["-p", "--protocol"]
  private static let targets: Set<String> = ["-j", "--jump"]

  /// - Parameter end: the words behind this byte are left out; nil for the whole line.
  init(_ line: DocumentLine, upTo end: Int? = nil, _ registry: Registry, _ family: Family) {
    words = LineOutline.words(line.bytes).filter { word in end.map { word.range.range.upperBound <= $0 } ?? true }
    var uses: [ExtensionDescriptor] = []
    // Only what is declared: the client types names, and libxtables would be asked for each beginning of one.
    func add(_ kind: ExtensionDescriptor.Kind, _ name: Token) {
      guard let found = registry.declared(kind, named: name.bytes, family), !uses.contains(where: { $0 === found }) else { return }
      uses.append(found)
    }
    for (word, value) in zip(words, words.dropFirst()) {
      let option = word.string
      // `-p tcp' loads the match of that name at the first option of it.
      if Self.matches.contains(option) || Self.protocols.contains(option) { add(.match, value) }
      if Self.targets.contains(option) { add(.target, value) }
    }
    self.uses = uses
  }

  /// The option with a name, and the extension that has it: the last one that the line names before.
  func option(named name: String) -> (owner: ExtensionDescriptor, option: OptionDescriptor)? {
    for owner in uses.reversed() {
      if let option = owner.options.first(where: { $0.name == name || $0.aliases.contains(name) }) { return (owner, option) }
    }
    return nil
  }

  /// The option to which the word behind the last one belongs, if it has an argument.
  var pendingOption: (owner: ExtensionDescriptor, option: OptionDescriptor)? {
    guard let last = words.last, last.starts(with: "-"), let found = option(named: last.string) else { return nil }
    return found.option.arity > 0 || found.option.mayHaveArgument ? found : nil
  }
}

/// An option of iptables itself.
struct GeneralOption {
  let names: [String]
  let argument: String
  let summary: String

  /// The options of a rule, from the manual of iptables 1.8.9.
  static let all: [GeneralOption] = [
    GeneralOption(names: ["-p", "--protocol"], argument: "protocol", summary: "the protocol of the packet: a name, a number, or all"),
    GeneralOption(names: ["-s", "--source"], argument: "address[/mask],…", summary: "the source address; several give several rules"),
    GeneralOption(
      names: ["-d", "--destination"], argument: "address[/mask],…", summary: "the destination address; several give several rules"),
    GeneralOption(
      names: ["-i", "--in-interface"], argument: "name[+]",
      summary: "the interface on which the packet arrived; + matches any rest of the name"),
    GeneralOption(
      names: ["-o", "--out-interface"], argument: "name[+]",
      summary: "the interface through which the packet will leave; + matches any rest of the name"),
    GeneralOption(names: ["-f", "--fragments"], argument: "", summary: "second and further fragments of IPv4 packets only"),
    GeneralOption(names: ["-m", "--match"], argument: "match", summary: "a match, whose options follow"),
    GeneralOption(
      names: ["-j", "--jump"], argument: "target",
      summary: "what happens to a packet that matches: a verdict, a target, or a chain from which it returns"),
    GeneralOption(
      names: ["-g", "--goto"], argument: "chain", summary: "continues in a chain; from there the packet returns to the caller of this chain"
    ),
    GeneralOption(names: ["-c", "--set-counters"], argument: "packets bytes", summary: "the counters with which the rule begins"),
  ]

  /// The commands of a line.
  static let commands: [GeneralOption] = [
    GeneralOption(names: ["-A", "--append"], argument: "chain rule", summary: "appends a rule to a chain"),
    GeneralOption(
      names: ["-I", "--insert"], argument: "chain [number] rule", summary: "inserts a rule into a chain, at its beginning without a number"),
    GeneralOption(names: ["-D", "--delete"], argument: "chain rule", summary: "deletes the first equal rule, or the rule with a number"),
    GeneralOption(names: ["-R", "--replace"], argument: "chain number rule", summary: "replaces the rule with a number"),
    GeneralOption(names: ["-N", "--new-chain"], argument: "chain", summary: "creates a chain"),
    GeneralOption(names: ["-F", "--flush"], argument: "[chain]", summary: "deletes all rules of a chain, or of all chains"),
    GeneralOption(names: ["-X", "--delete-chain"], argument: "[chain]", summary: "deletes an empty chain to which no rule jumps"),
    GeneralOption(names: ["-P", "--policy"], argument: "chain ACCEPT|DROP", summary: "sets the policy of a built-in chain"),
    GeneralOption(names: ["-Z", "--zero"], argument: "[chain]", summary: "sets counters to 0"),
    GeneralOption(names: ["-E", "--rename-chain"], argument: "old new", summary: "renames a chain"),
  ]

  static func named(_ name: String) -> GeneralOption? { (all + commands).first { $0.names.contains(name) } }
}
