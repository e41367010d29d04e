/// The options of the programs that take no rules, as `getopt_long` finds them. Arguments are returned after all options, and
/// errors have the words of getopt.
struct ShortOptions {
  enum Option: Equatable {
    case found(Character, String?)
    /// The error message of getopt, without the program's name before it.
    case wrong(String)
    /// A word that is no option.
    case argument(String)
  }

  private let words: [String]
  private let long: [(name: String, letter: Character)]
  /// 0 for no argument, 1 for a required one, 2 for one that may be attached to the long form only.
  private var arguments: [Character: Int] = [:]
  private var at = 0
  private var cluster: Substring = ""
  private var isOver = false
  private(set) var hasArguments = false

  /// Creates a scanner.
  ///
  /// - Parameters:
  ///   - known: the letters, each followed by a colon if it takes an argument.
  ///   - optional: letters whose long form may have an argument attached.
  init(_ words: [String], known: String, long: [(String, Character)], optional: Set<Character> = []) {
    self.words = words
    self.long = long.map { (name: $0.0, letter: $0.1) }
    var last: Character?
    for letter in known {
      if letter == ":", let last { arguments[last] = 1 } else { arguments[letter] = optional.contains(letter) ? 2 : 0 }
      last = letter
    }
  }

  /// The next word if it is no option, such as the argument of `-w`.
  mutating func looseArgument() -> String? {
    guard cluster.isEmpty, at < words.count, !words[at].hasPrefix("-"), !words[at].hasPrefix("!") else { return nil }
    at += 1
    return words[at - 1]
  }

  mutating func next() -> Option? {
    if let letter = cluster.first {
      cluster.removeFirst()
      return take(letter)
    }
    guard at < words.count else { return nil }
    let word = words[at]
    at += 1
    if isOver || !word.hasPrefix("-") || word == "-" {
      hasArguments = true
      return .argument(word)
    }
    if word == "--" {
      isOver = true
      return next()
    }
    if word.hasPrefix("--") { return takeLong(word.dropFirst(2)) }
    cluster = word.dropFirst()
    return next()
  }

  private mutating func take(_ letter: Character) -> Option {
    guard letter != ":", let needed = arguments[letter] else { return .wrong("invalid option -- '\(letter)'") }
    guard needed == 1 else { return .found(letter, nil) }
    if !cluster.isEmpty {
      defer { cluster = "" }
      return .found(letter, String(cluster))
    }
    guard at < words.count else { return .wrong("option requires an argument -- '\(letter)'") }
    at += 1
    return .found(letter, words[at - 1])
  }

  private mutating func takeLong(_ body: Substring) -> Option {
    let name = body.prefix { $0 != "=" }
    var matches = long.filter { $0.name == name }
    if matches.isEmpty { matches = long.filter { $0.name.hasPrefix(name) } }
    guard let match = matches.first else { return .wrong("unrecognized option '--\(body)'") }
    if matches.contains(where: { $0.letter != match.letter }) {
      let all = matches.map { " '--\($0.name)'" }.joined()
      return .wrong("option '--\(body)' is ambiguous; possibilities:\(all)")
    }
    let attached = name.count < body.count ? String(body.dropFirst(name.count + 1)) : nil
    switch arguments[match.letter] {
    case 1:
      if let attached { return .found(match.letter, attached) }
      guard at < words.count else { return .wrong("option '--\(match.name)' requires an argument") }
      at += 1
      return .found(match.letter, words[at - 1])
    case 2: return .found(match.letter, attached)
    default:
      if attached != nil { return .wrong("option '--\(match.name)' doesn't allow an argument") }
      return .found(match.letter, nil)
    }
  }
}
