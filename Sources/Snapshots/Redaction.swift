import Wire
public import XTables

extension Snapshot {
  /// The same machine, anonymised: replaces addresses (see `AddressRedaction`) and the names of chains, sets, lists and log prefixes, and removes
  /// comments and user names. Keeps interface names and user numbers.
  ///
  /// - Parameters:
  ///   - key: determines the replacements; the same key gives the same result.
  ///   - registry: knows which options of matches and targets hold names.
  public func redacted(key: (UInt64, UInt64), registry: Registry) -> Snapshot {
    var names = NameRedaction(registry)
    for text in [rules, rules6] { names.learn(rules: text ?? "") }
    names.learn(sets: ipsets ?? "")
    var copy = self
    (copy.users, copy.groups) = ([:], [:])
    copy.chains = chains.map { names.rename($0) }
    copy.tables = tables.map { names.rename($0) }
    copy.rules = rules.map { names.rename(rules: $0) }
    copy.rules6 = rules6.map { names.rename(rules: $0) }
    copy.ipsets = ipsets.map { names.rename(sets: $0) }
    var addresses = AddressRedaction(key: key)
    for text in interfaces.flatMap(\.addresses) + setup { AddressText.keepNetworks(text, in: &addresses) }
    for text in [copy.rules, copy.rules6, copy.ipsets] { AddressText.keepRanges(text ?? "", in: &addresses) }
    for text in copy.tables.flatMap(\.texts) { AddressText.keepRanges(text, in: &addresses) }
    func text(_ text: String) -> String { AddressText.replace(text, addresses) }
    for index in copy.interfaces.indices {
      copy.interfaces[index].addresses = interfaces[index].addresses.map(text)
      copy.interfaces[index].hardwareAddress = interfaces[index].hardwareAddress.map(text)
    }
    (copy.routes, copy.policy, copy.setup) = (routes.map(text), policy.map(text), setup.map(text))
    copy.neighbours = neighbours.map { neighbour in
      Neighbour(
        interface: neighbour.interface, address: text(neighbour.address), hardwareAddress: neighbour.hardwareAddress.map(text))
    }
    // The groups of the kernel for neighbour discovery tell the ends of addresses.
    copy.multicast = multicast?.mapValues { $0.filter { !$0.hasPrefix("ff02::1:ff") }.map(text) }.filter { !$0.value.isEmpty }
    copy.sockets = sockets?.map { socket in
      var socket = socket
      socket.address = socket.address.map(text)
      return socket
    }
    copy.connections = connections.map(text)
    (copy.rules, copy.rules6, copy.ipsets) = (copy.rules.map(text), copy.rules6.map(text), copy.ipsets.map(text))
    copy.tables = copy.tables.map { $0.replacing(text) }
    copy.gaps = gaps.map(text)
    let opaque = registry.names(with: .comparesBytes).map { "-m \($0)" }.sorted().filter { match in
      [rules, rules6].contains { $0?.contains(match) == true }
    }
    copy.gaps += opaque.map { "anonymised values of \($0): its addresses and texts are unchanged" }
    return copy
  }
}

/// Finds and replaces addresses in text.
enum AddressText {
  private enum Token {
    case address(IPAddress, length: Int?)
    case hardware(MACAddress)
    case other
  }

  /// Splits the text at the boundaries of addresses.
  private static func pieces(_ text: String) -> [(text: Substring, token: Token)] {
    var pieces: [(Substring, Token)] = []
    var rest = text[...]
    while !rest.isEmpty {
      let word = rest.prefix { $0.isHexDigit || $0 == "." || $0 == ":" || $0 == "/" }
      if word.isEmpty {
        // Letters and digits that continue another word belong to it.
        let other = rest.prefix { !$0.isHexDigit && $0 != ":" }
        let run = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" && !other.hasPrefix("-") }
        let cut = other.count >= run.count ? other : run
        pieces.append((cut, .other))
        rest = rest[cut.endIndex...]
      } else {
        rest = rest[word.endIndex...]
        // `eth0.5a` and `abc-def` are not addresses.
        let continues = rest.first.map { $0.isLetter || $0 == "_" } ?? false
        pieces += continues ? [(word, .other)] : tokens(word)
      }
    }
    return pieces
  }

  /// Classifies a word of digits, dots and colons: `10.0.0.1:80`, `10.0.0.0/8`, `fd00::1/64`, `02:00:00:00:00:01`.
  private static func tokens(_ word: Substring) -> [(Substring, Token)] {
    if let hardware = MACAddress(String(word)), word.count == 17 { return [(word, .hardware(hardware))] }
    let slash = word.firstIndex(of: "/") ?? word.endIndex
    var host = word[..<slash]
    if host.contains("."), let colon = host.firstIndex(of: ":"), !host.hasPrefix(":"), host.filter({ $0 == ":" }).count == 1 {
      host = host[..<colon]
    }
    guard host.contains(".") || host.filter({ $0 == ":" }).count >= 2, let address = IPAddress(host) else { return [(word, .other)] }
    let rest = word[host.endIndex...]
    let length = rest.hasPrefix("/") ? Int(rest.dropFirst()) : nil
    return [(host, .address(address, length: length))] + (rest.isEmpty ? [] : [(rest, .other)])
  }

  static func replace(_ text: String, _ redaction: AddressRedaction) -> String {
    pieces(text).map { piece in
      switch piece.token {
      case .other: return String(piece.text)
      case .hardware(let address): return "\(redaction.replacement(for: address))"
      case .address(let address, let length):
        let other = redaction.replacement(for: address)
        let whole = address.family.addressBits
        guard let length, (0..<whole).contains(length) else { return "\(other)" }
        // A network address remains one: its host bits stay 0.
        let tail = (UInt128(1) << UInt128(whole - length)) &- 1
        return "\(IPAddress(family: address.family, bits: address.bits & tail == 0 ? other.bits & ~tail : other.bits))"
      }
    }.joined()
  }

  /// Keeps the host bits in the interfaces' IPv4 networks. Those of IPv6 are not kept, because they may contain hardware addresses.
  static func keepNetworks(_ text: String, in redaction: inout AddressRedaction) {
    for piece in pieces(text) { if case .address(.v4(let address), let length?) = piece.token { redaction.keep(.v4(address), length) } }
  }

  /// Keeps the order in ranges such as `10.0.0.5-10.0.0.9`.
  static func keepRanges(_ text: String, in redaction: inout AddressRedaction) {
    let all = pieces(text)
    for (index, piece) in all.enumerated() where piece.text == "-" && index > 0 && index + 1 < all.count {
      if case .address(let first, nil) = all[index - 1].token, case .address(let last, nil) = all[index + 1].token {
        redaction.keepOrder(first, last)
      }
    }
  }
}

/// Replaces user-chosen names by numbered ones.
struct NameRedaction {
  private var names: [String: [String: String]] = [:]
  /// What the arguments of options are, by option name.
  private let contents: [Substring: OptionContent]

  init(_ registry: Registry) {
    var contents: [Substring: OptionContent] = [:]
    for content in [OptionContent.set, .list, .logPrefix, .remark] {
      for option in registry.optionNames(of: content) { contents[Substring(option)] = content }
    }
    self.contents = contents
  }

  /// A chain beside the rules, with another name and in a table of another name. The names of iptables are kept.
  mutating func rename(_ chain: Snapshot.Chain) -> Snapshot.Chain {
    var copy = chain
    copy.table = rename(table: chain.table)
    copy.name = rename(chain: chain.name)
    return copy
  }

  mutating func rename(table: String) -> String { TableName(rawValue: table) == nil ? name("table", table) : table }
  /// The mangle table of iptables has a chain for each hook.
  mutating func rename(chain: String) -> String { Table(.mangle, .ipv4).index(of: chain) == nil ? name("chain", chain) : chain }
  mutating func rename(set: String) -> String { name("set", set) }
  mutating func rename(log prefix: String) -> String { "\(name("log", prefix)) " }

  private mutating func name(_ kind: String, _ old: String) -> String {
    if let known = names[kind]?[old] { return known }
    let new = "\(kind)\((names[kind]?.count ?? 0) + 1)"
    names[kind, default: [:]][old] = new
    return new
  }

  mutating func learn(rules: String) {
    for line in rules.split(separator: "\n") where line.hasPrefix(":") {
      let words = line.dropFirst().split(separator: " ")
      if words.count >= 2, words[1] == "-" { _ = name("chain", String(words[0])) }
    }
  }

  mutating func learn(sets: String) {
    for line in sets.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count >= 2, words[0] == "create" { _ = name("set", String(words[1])) }
    }
  }

  private static let chainOptions: Set<Substring> = ["-A", "-j", "-g", "-N"]

  mutating func rename(rules: String) -> String {
    rules.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      if line.hasPrefix("#") { return "" }
      if line.hasPrefix(":") {
        let old = line.dropFirst().prefix { $0 != " " }
        return ":" + (names["chain"]?[String(old)] ?? String(old)) + line.dropFirst(1 + old.count)
      }
      return rename(rule: line)
    }.joined(separator: "\n")
  }

  private mutating func rename(rule: Substring) -> String {
    var words: [String] = []
    var option: Substring = ""
    for word in NameRedaction.words(rule) {
      let bare = String(word.hasPrefix("\"") ? word.dropFirst().dropLast() : word)
      switch contents[option] {
      case .remark: words.removeLast(min(3, words.count))
      case .set: words.append(name("set", bare))
      case .list: words.append(name("list", bare))
      case .logPrefix: words.append("\"\(name("log", bare)) \"")
      case .user, .group, nil:
        words.append(NameRedaction.chainOptions.contains(option) ? names["chain"]?[bare] ?? String(word) : String(word))
      }
      option = word
    }
    return words.joined(separator: " ")
  }

  mutating func rename(sets: String) -> String {
    sets.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var words = NameRedaction.words(line).map(String.init)
      for index in words.indices.dropFirst() where index <= 2 { words[index] = names["set"]?[words[index]] ?? words[index] }
      if words.first == "add", let comment = words.firstIndex(of: "comment") { words.removeSubrange(comment...) }
      return words.joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// Splits a line into words; text in double quotes is one word.
  private static func words(_ line: Substring) -> [Substring] {
    var words: [Substring] = []
    var rest = line.drop { $0 == " " }
    while !rest.isEmpty {
      var end = rest.startIndex
      var isQuoted = false
      while end < rest.endIndex, isQuoted || rest[end] != " " {
        if rest[end] == "\\", isQuoted { end = rest.index(after: end) }
        if end < rest.endIndex, rest[end] == "\"", end == rest.startIndex || rest[rest.index(before: end)] != "\\" { isQuoted.toggle() }
        if end < rest.endIndex { end = rest.index(after: end) }
      }
      words.append(rest[..<end])
      rest = rest[end...].drop { $0 == " " }
    }
    return words
  }
}
