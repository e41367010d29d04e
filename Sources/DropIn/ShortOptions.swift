/// The options of the programs that do not take rules, as `getopt_long` finds them.
struct ShortOptions {
  enum Option: Equatable {
    case found(Character, String?)
    case unknown(String)
    case missing(Character)
    /// A word that is no option; getopt would move it behind the options.
    case argument(String)
  }

  private let words: [String]
  private let long: [String: Character]
  private var takesArgument: [Character: Bool] = [:]
  private var at = 0
  private var cluster: Substring = ""
  private var isOver = false

  /// - Parameter known: letters, each followed by a colon where it takes an argument.
  init(_ words: [String], known: String, long: [String: Character]) {
    self.words = words
    self.long = long
    var last: Character?
    for letter in known {
      if letter == ":", let last { takesArgument[last] = true } else { takesArgument[letter] = false }
      last = letter
    }
  }

  /// The next word, if it is not an option: what `-w` may be followed by.
  mutating func looseArgument() -> String? {
    guard cluster.isEmpty, at < words.count, !words[at].hasPrefix("-") else { return nil }
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
    if isOver || !word.hasPrefix("-") || word == "-" { return .argument(word) }
    if word == "--" {
      isOver = true
      return next()
    }
    if word.hasPrefix("--") { return takeLong(word.dropFirst(2)) }
    cluster = word.dropFirst()
    return next()
  }

  private mutating func take(_ letter: Character) -> Option {
    guard let needs = takesArgument[letter] else { return .unknown("-\(letter)") }
    guard needs else { return .found(letter, nil) }
    if !cluster.isEmpty {
      defer { cluster = "" }
      return .found(letter, String(cluster))
    }
    guard at < words.count else { return .missing(letter) }
    at += 1
    return .found(letter, words[at - 1])
  }

  private mutating func takeLong(_ body: Substring) -> Option {
    let name = body.prefix { $0 != "=" }
    let matches = long.keys.filter { $0 == name }.isEmpty ? long.keys.filter { $0.hasPrefix(name) } : [String(name)]
    guard matches.count == 1, let letter = long[matches[0]] else { return .unknown("--\(name)") }
    guard takesArgument[letter] == true else { return .found(letter, nil) }
    if name.count < body.count { return .found(letter, String(body.dropFirst(name.count + 1))) }
    guard at < words.count else { return .missing(letter) }
    at += 1
    return .found(letter, words[at - 1])
  }
}
