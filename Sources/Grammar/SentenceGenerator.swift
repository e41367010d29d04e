import Netfilter
public import Wire
public import XTables

/// Draws rules from the grammar: mostly valid ones, and on request near misses that differ from a valid rule in one place.
///
/// The same seed gives the same rules. Only the parser decides whether a rule is valid: the declarations describe each option
/// alone, and only some dependencies between options.
public struct SentenceGenerator: Sendable {
  private let descriptors: (matches: [ExtensionDescriptor], targets: [ExtensionDescriptor])
  private let family: Family
  private var random: SeededRandom
  /// The probability that a part is drawn which its declaration calls invalid, from 0 to 1.
  public var mistakeRate = 0.0
  /// The probability that an argument is drawn at the limits of its parser, from 0 to 1.
  public var edgeRate = 0.0
  /// The names of user chains that rules may jump to.
  public var chains: [String] = []
  private let vocabulary: SentenceVocabulary

  /// Creates a generator.
  ///
  /// - Parameter vocabulary: the words that do not come from the declarations; nil for default addresses and interfaces of the
  ///   family.
  public init(registry: Registry, family: Family, seed: UInt64, vocabulary: SentenceVocabulary? = nil) {
    self.family = family
    self.vocabulary = vocabulary ?? (family == .ipv4 ? .anyIPv4 : .anyIPv6)
    random = SeededRandom(seed: seed)
    let wanted = self.vocabulary.extensions
    let known = registry.all.filter { $0.families.contains(family) && wanted?.contains($0.name) ?? true }
    descriptors = (known.filter { $0.kind == .match }, known.filter { $0.kind == .target })
  }

  /// One `-A` line for a chain of a table, without a newline.
  public mutating func rule(table: TableName, chain: String) -> String {
    var words = ["-A", chain]
    let matches = (0..<pick([0, 1, 1, 1, 2, 3])).compactMap { _ in descriptors.matches.randomElement(using: &random) }
    let target = pick([0, 1, 2]) == 0 ? nil : targets(for: table).randomElement(using: &random)
    words += header(protocols: (matches + [target].compactMap { $0 }).compactMap { $0.scope(family).protocols?.first }, chain)
    for match in matches { words += ["-m", match.name] + options(of: match) }
    if let target {
      words += ["-j", target.name] + options(of: target)
    } else {
      words += jump()
    }
    if isMistaken { words = mistaken(words) }
    return words.joined(separator: " ")
  }

  /// A table with its chains and `count` rules distributed over them.
  public mutating func table(_ name: TableName, rules count: Int) -> String {
    var text = "*\(name.rawValue)\n"
    for hook in name.hooks { text += ":\(hook.name) \(pick(["ACCEPT", "DROP"])) [0:0]\n" }
    chains = (0..<pick([0, 1, 3])).map { "user\($0)" }
    for chain in chains { text += ":\(chain) - [0:0]\n" }
    for _ in 0..<count {
      let chain = pick(name.hooks.map(\.name) + chains)
      text += rule(table: name, chain: chain) + "\n"
    }
    return text + "COMMIT\n"
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  private var isMistaken: Bool {
    mutating get { mistakeRate > 0 && Double.random(in: 0..<1, using: &random) < mistakeRate }
  }

  /// The targets that the kernel accepts in a table; by mistake all targets.
  private mutating func targets(for table: TableName) -> [ExtensionDescriptor] {
    if isMistaken { return descriptors.targets }
    return descriptors.targets.filter { $0.scope(family).tables?.contains(table) ?? true }
  }

  private mutating func jump() -> [String] {
    switch pick([0, 1, 2, 3]) {
    case 0: return []
    case 1 where !chains.isEmpty: return [pick(["-j", "-g"]), pick(chains)]
    default: return ["-j", pick(vocabulary.verdicts)]
    }
  }

  private mutating func header(protocols: [UInt8], _ chain: String) -> [String] {
    var words: [String] = []
    func maybeNot(_ flag: Bool) -> [String] { flag ? ["!"] : [] }
    for option in ["-s", "-d"] where pick([0, 1, 2]) == 0 {
      let address = pick(vocabulary.addresses)
      words += maybeNot(pick([0, 1, 2]) == 0 && !address.contains(",")) + [option, address]
    }
    if !["OUTPUT", "POSTROUTING"].contains(chain) || isMistaken, pick([0, 1, 2]) == 0 {
      words += maybeNot(pick([0, 1]) == 0) + ["-i", pick(vocabulary.inputs)]
    }
    if !["PREROUTING", "INPUT"].contains(chain) || isMistaken, pick([0, 1, 2]) == 0 {
      words += maybeNot(pick([0, 1]) == 0) + ["-o", pick(vocabulary.outputs)]
    }
    if let wanted = protocols.first, !isMistaken {
      words += ["-p", BuiltinProtocol.savedName(wanted) ?? String(wanted)]
    } else if pick([0, 1, 2]) == 0 {
      words += maybeNot(pick([0, 1, 2]) == 0) + ["-p", pick(vocabulary.protocols)]
    }
    if family == .ipv4, pick([0, 0, 0, 0, 1]) == 1 { words += maybeNot(pick([0, 1]) == 0) + ["-f"] }
    return words
  }

  /// A subset of the options that satisfies their declared dependencies.
  private mutating func options(of descriptor: ExtensionDescriptor) -> [String] {
    var chosen: [OptionDescriptor] = []
    let usable = descriptor.options.filter { vocabulary.values(of: $0.name, in: descriptor.name)?.isEmpty != true }
    for option in usable.shuffled(using: &random) where option.isMandatory || pick([0, 1, 2]) == 0 {
      let isExcluded = chosen.contains { $0.excludes.contains(option.name) || option.excludes.contains($0.name) }
      if !isExcluded || isMistaken { chosen.append(option) }
    }
    if chosen.isEmpty, let option = usable.randomElement(using: &random), !isMistaken { chosen = [option] }
    var words: [String] = []
    for option in chosen.sorted(by: { $0.name < $1.name }) {
      if option.isInvertible || isMistaken, pick([0, 1, 2]) == 0 { words.append("!") }
      words.append(pick([option.name] + option.aliases))
      let samples = vocabulary.values(of: option.name, in: descriptor.name) ?? option.samples
      guard option.arity > 0, !samples.isEmpty else { continue }
      words.append(argument(of: option, samples))
    }
    return words
  }

  private mutating func argument(of option: OptionDescriptor, _ samples: [String]) -> String {
    if edgeRate > 0, Double.random(in: 0..<1, using: &random) < edgeRate { return EdgeValues.argument(like: samples, using: &random) }
    return pick(isMistaken && !option.nearMisses.isEmpty ? option.nearMisses : samples)
  }

  // MARK: Edges

  /// One `-A` line with one argument at a limit: that of an option of an extension, or that of a rule header option.
  ///
  /// All options of all extensions are equally likely. The rest of the line follows the declarations, so that the result depends on
  /// that argument.
  public mutating func edgeRule() -> (table: TableName, line: String) {
    guard pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) > 0 else { return edgeHeader() }
    let all = (descriptors.matches + descriptors.targets).flatMap { owner in owner.options.map { (owner: owner, option: $0) } }
    guard let (owner, option) = all.randomElement(using: &random) else { return edgeHeader() }
    let scope = owner.scope(family)
    let table = pick(scope.tables ?? TableName.allCases)
    let hooks = table.hooks.filter { scope.hooks?.contains(HookMask($0)) ?? true }
    let chain = pick((hooks.isEmpty ? table.hooks : hooks).map(\.name))
    var words = ["-A", chain]
    if let wanted = scope.protocols?.randomElement(using: &random) { words += ["-p", BuiltinProtocol.savedName(wanted) ?? String(wanted)] }
    words += [owner.kind == .match ? "-m" : "-j", owner.name]
    var chosen = owner.options.filter { $0.isMandatory || option.requires.contains($0.name) || pick([0, 1, 2, 3, 4]) == 0 }
      .filter { $0.name != option.name && !option.excludes.contains($0.name) && !$0.excludes.contains(option.name) }
    chosen.append(option)
    for other in chosen.shuffled(using: &random) {
      let isTheOne = other.name == option.name
      for _ in 0..<(isTheOne && pick([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) == 1 ? 2 : 1) {
        if other.isInvertible || isTheOne && pick([0, 0, 0, 0, 1]) == 1, pick([0, 0, 1]) == 1 { words.append("!") }
        words.append(pick([other.name] + other.aliases))
        guard other.arity > 0, !other.samples.isEmpty else { continue }
        words.append(isTheOne ? EdgeValues.argument(like: other.samples, using: &random) : pick(other.samples))
      }
    }
    if owner.kind == .match, pick([0, 1]) == 1 { words += ["-j", "ACCEPT"] }
    return (table, words.joined(separator: " "))
  }

  /// A line with an address, interface, protocol or counter at a limit.
  private mutating func edgeHeader() -> (table: TableName, line: String) {
    var words = ["-A", "FORWARD"]
    let samples: [(option: String, samples: [String])] = [
      ("-s", vocabulary.addresses), ("-d", vocabulary.addresses), ("-i", vocabulary.inputs + EdgeValues.interfaces),
      ("-o", vocabulary.outputs + EdgeValues.interfaces), ("-p", vocabulary.protocols + ["0", "6", "TCP"]), ("-c", ["1 2", "1,2"]),
    ]
    let (option, known) = pick(samples)
    if pick([0, 1, 2]) == 0 { words.append("!") }
    words += [option, pick([0, 1, 2]) == 0 ? pick(known) : EdgeValues.argument(like: known, using: &random)]
    return (.filter, words.joined(separator: " ") + pick(["", " -j ACCEPT", " -m tcp --dport 80", " -p 17 -m udp --sport 1"]))
  }

  /// The words with one of them removed, repeated, shortened or damaged.
  private mutating func mistaken(_ words: [String]) -> [String] {
    var words = words
    let at = Int.random(in: 2..<max(3, words.count), using: &random)
    guard at < words.count else { return words }
    switch pick([0, 1, 2, 3, 4]) {
    case 0: words.remove(at: at)
    case 1: words.insert(words[at], at: at)
    case 2: words.insert("!", at: at)
    case 3 where words[at].utf8.count > 3: words[at] = String(words[at].dropLast())
    default: words[at] += pick(["x", "/", ":", ",", "0"])
    }
    return words
  }
}
