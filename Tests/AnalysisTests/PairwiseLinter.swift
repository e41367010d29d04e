import Wire

/// What a linter finds that compares rules of a chain in pairs by their words: a rule is shadowed if an earlier one with a verdict has wider addresses,
/// ports and interfaces, the same protocol, and no other matches. It knows neither jumps nor unions nor the end of a chain.
struct PairwiseLinter {
  private struct Words {
    let line: Int
    var values: [String: String] = [:]
    var matches: Set<String> = []
    var isInverted = false
    var target = ""
  }

  private static let verdicts: Set<String> = ["ACCEPT", "DROP", "REJECT", "RETURN", "DNAT", "SNAT", "MASQUERADE", "REDIRECT"]
  private static let options: Set<String> = [
    "-s", "-d", "-i", "-o", "-p", "--dport", "--sport", "--dports", "--sports", "--state", "--ctstate",
  ]

  /// The lines that are shadowed, counted from 1, each with the first line that shadows it.
  private(set) var shadowed: [Int: Int] = [:]

  init(_ text: String) {
    var table = ""
    var chains: [String: [Words]] = [:]
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("*") { table = String(line) }
      guard line.hasPrefix("-A ") else { continue }
      let words = line.split(separator: " ").map(String.init)
      let rule = Self.words(words, index + 1)
      let chain = "\(table) \(words[1])"
      if let earlier = chains[chain]?.first(where: { Self.verdicts.contains($0.target) && Self.covers($0, rule) }) {
        shadowed[index + 1] = earlier.line
      }
      chains[chain, default: []].append(rule)
    }
  }

  private static func words(_ words: [String], _ line: Int) -> Words {
    var rule = Words(line: line)
    var index = 2
    while index < words.count {
      let word = words[index]
      let value = index + 1 < words.count ? words[index + 1] : ""
      index += 1
      if word == "!" {
        rule.isInverted = true
      } else if word == "-j" || word == "-g" {
        rule.target = value
        return rule
      } else if options.contains(word) {
        rule.values[word == "--dports" ? "--dport" : word == "--sports" ? "--sport" : word] = value
        index += 1
      } else if word == "-m" {
        index += 1
      } else {
        rule.matches.insert("\(word) \(value)")
      }
    }
    return rule
  }

  private static func covers(_ one: Words, _ other: Words) -> Bool {
    if one.isInverted || other.isInverted || !one.matches.isSubset(of: other.matches) { return false }
    return one.values.allSatisfy { option, wide in
      guard let narrow = other.values[option] else { return false }
      switch option {
      case "-s", "-d": return covers(address: wide, narrow)
      case "-i", "-o": return wide == narrow || wide.hasSuffix("+") && narrow.hasPrefix(wide.dropLast())
      case "--dport", "--sport":
        let ranges = ports(wide)
        return ports(narrow).allSatisfy { range in
          ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
        }
      case "--state", "--ctstate": return Set(narrow.split(separator: ",")).isSubset(of: Set(wide.split(separator: ",")))
      default: return wide == narrow
      }
    }
  }

  private static func covers(address wide: String, _ narrow: String) -> Bool {
    func network(_ text: String) -> (bits: UInt128, length: Int)? {
      let parts = text.split(separator: "/")
      guard let address = IPAddress(parts[0]) else { return nil }
      let width = address.family == .ipv4 ? 32 : 128
      return (address.bits << UInt128(128 - width), parts.count > 1 ? Int(parts[1]) ?? width : width)
    }
    guard let one = network(wide), let other = network(narrow), one.length <= other.length else { return false }
    return one.length == 0 || (one.bits ^ other.bits) >> UInt128(128 - one.length) == 0
  }

  private static func ports(_ text: String) -> [ClosedRange<Int>] {
    text.split(separator: ",").compactMap { part in
      let ends = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first, let last = ends.last, (first ?? 0) <= (last ?? 65_535) else { return nil }
      return (first ?? 0)...(last ?? 65_535)
    }
  }
}
