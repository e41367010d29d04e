extension NativeRule {
  /// Why a text is no rule.
  public struct SyntaxError: Error, Sendable, Hashable {
    /// A sentence without a full stop.
    public let reason: String

    init(_ reason: String) { self.reason = reason }
  }

  /// Parses a rule in the words of nft(8): those that ``text(in:)`` writes. Counters are ignored.
  ///
  /// - Throws: `SyntaxError` for other words, although nft(8) may know them.
  public init(text: String, in family: NativeTable.TableFamily) throws(SyntaxError) {
    var parser = NativeRuleParser(words: try NativeWords(text), ensured: family.ensured)
    self = try parser.rule()
  }
}

extension NativeSet {
  /// Parses a set as ``text(in:)`` writes it.
  public init(text: String, in family: NativeTable.TableFamily) throws(NativeRule.SyntaxError) {
    let rule = try NativeRule(text: text, in: family)
    guard rule.end == .next, case .match(let match)? = rule.parts.last, !match.isInverted, case .elements(let elements) = match.values
    else {
      throw NativeRule.SyntaxError("a set is a comparison with elements between braces")
    }
    self.init(match.operands, elements)
  }
}

private struct NativeRuleParser {
  var words: NativeWords
  /// What the parts so far ensure.
  var ensured: Set<NativeSelector.Need>

  mutating func rule() throws(NativeRule.SyntaxError) -> NativeRule {
    var rule = NativeRule()
    while !words.isAtEnd {
      if words.take("counter") { continue }
      if let end = try end() {
        rule.end = end
        break
      }
      if let part = try statement() {
        rule.parts.append(part)
      } else if let end = try comparison(&rule.parts) {
        rule.end = end
        break
      }
    }
    guard words.isAtEnd else { throw NativeRule.SyntaxError("`\(words.next ?? "a text in quotes")' follows the end of the rule") }
    return rule
  }

  private mutating func end() throws(NativeRule.SyntaxError) -> NativeRule.End? {
    if words.take("accept") { return .accept }
    if words.take("drop") { return .drop }
    if words.take("return") { return .return }
    if words.take("jump") { return .jump(try words.any("a chain")) }
    if words.take("goto") { return .goto(try words.any("a chain")) }
    if words.take("queue num") {
      let number: UInt16 = try words.number("the queue")
      return .queue(number, isBypassed: words.take("bypass"))
    }
    if words.take("reject with tcp reset") { return .reject(.reset) }
    if words.take("reject with icmp") || words.take("reject with icmpv6") {
      return .reject(.unreachable(try words.number("the ICMP code")))
    }
    if words.take("reject with icmpx") {
      let name = try words.any("the ICMP code")
      guard let number = NativeRule.anyFamilyCodes.firstIndex(of: name) else {
        throw NativeRule.SyntaxError("`\(name)' is no code of icmpx")
      }
      return .reject(.anyFamily(UInt8(number)))
    }
    return nil
  }

  private mutating func statement() throws(NativeRule.SyntaxError) -> NativeRule.Part? {
    if words.take("limit rate") { return .limit(try limit()) }
    if words.take("log") { return .log(try log()) }
    if words.take("unknown test") { return .unknownTest(try words.any("what is not known")) }
    if words.take("unknown") { return .unknown(try words.any("what is not known")) }
    guard words.take("meta mark set") else { return nil }
    var mask: UInt32 = 0
    if words.take("meta mark &") {
      mask = try words.number("the mask")
      guard words.take("^") else { throw NativeRule.SyntaxError("`^' is missing behind the mask") }
    }
    return .setMark(mask: mask, value: try words.number("the mark"))
  }

  private mutating func limit() throws(NativeRule.SyntaxError) -> NativeLimit {
    let isOver = words.take("over")
    let word = try words.any("a rate")
    let halves = word.split(separator: "/", maxSplits: 1)
    guard halves.count == 2, let rate = UInt64(halves[0]),
      let unit = NativeRule.units.first(where: { $0.0 == halves[1] })?.1 ?? UInt64(halves[1])
    else { throw NativeRule.SyntaxError("`\(word)' is no rate") }
    guard words.take("burst") else { return NativeLimit(rate: rate, unit: unit, burst: 5, isOver: isOver) }
    let burst: UInt32 = try words.number("the burst")
    guard words.take("packets") else { throw NativeRule.SyntaxError("only bursts of packets are known") }
    return NativeLimit(rate: rate, unit: unit, burst: burst, isOver: isOver)
  }

  private mutating func log() throws(NativeRule.SyntaxError) -> NativeLogging {
    var (prefix, level, content, group) = ("", UInt8(4), LogContent(), UInt16?.none)
    while true {
      if words.take("prefix") {
        prefix = try words.any("the prefix")
      } else if words.take("level") {
        level = try words.number("the level")
      } else if words.take("flags") {
        content = LogContent(rawValue: try words.number("the flags"))
      } else if words.take("group") {
        group = try words.number("the group")
      } else {
        return NativeLogging(group.map { .group($0) } ?? .kernel(level: level, content), prefix: prefix)
      }
    }
  }

  // MARK: Comparisons

  /// Parses a comparison and appends it to the parts, after the tests that its names imply. Returns a map of verdicts if it is one.
  private mutating func comparison(_ parts: inout [NativeRule.Part]) throws(NativeRule.SyntaxError) -> NativeRule.End? {
    var selectors: [NativeSelector] = []
    var operands: [NativeOperand] = []
    repeat {
      let selector = try selector()
      var operand = NativeOperand(selector.subject)
      if words.take("&") { operand.mask = try words.number("the mask") }
      selectors.append(selector)
      operands.append(operand)
      guard operands.count <= 4 else { throw NativeRule.SyntaxError("more than four fields are compared at once") }
      if let need = selector.need, ensured.insert(need).inserted { parts.append(.match(need.match)) }
    } while words.take(".")
    if words.take("vmap") { return .map(operands, try choices(selectors)) }
    var match = NativeMatch(operands, .elements([]))
    if words.take("!=") {
      match.isInverted = true
    } else if words.take("==") {
    } else if words.take("!") {
      try testBits(selectors, &match, isInverted: false)
      parts.append(.match(match))
      return nil
    } else if selectors.count == 1, case .flags = selectors[0].form, operands[0].mask == nil, words.next != "{",
      words.next?.hasPrefix("@") != true
    {
      try testBits(selectors, &match, isInverted: true)
      parts.append(.match(match))
      return nil
    }
    try values(selectors, &match)
    parts.append(.match(match))
    if let need = NativeSelector.Need(match) { ensured.insert(need) }
    return nil
  }

  /// Bits of which one has to be set, or, with a slash, bits and those of them that have to be set.
  private mutating func testBits(
    _ selectors: [NativeSelector], _ match: inout NativeMatch, isInverted: Bool
  ) throws(NativeRule.SyntaxError) {
    let bits = try value(selectors)
    if isInverted, words.take("/") {
      match.operands[0].mask = try value(selectors)
      match.values = .elements([NativeElement([bits...bits])])
    } else {
      match.operands[0].mask = bits
      match.isInverted = isInverted
      match.values = .elements([NativeElement([0...0])])
    }
  }

  private mutating func value(_ selectors: [NativeSelector]) throws(NativeRule.SyntaxError) -> UInt128 {
    let word = try words.any("a value")
    guard selectors.count == 1, let value = selectors[0].value(word) else {
      throw NativeRule.SyntaxError("`\(word)' is no value of \(selectors[0].words)")
    }
    return value
  }

  private mutating func values(_ selectors: [NativeSelector], _ match: inout NativeMatch) throws(NativeRule.SyntaxError) {
    if let word = words.next, word.hasPrefix("@") {
      let name = try words.any("a set").dropFirst()
      match.values = .set(name.isEmpty ? try words.any("a set") : String(name))
    } else if words.take("{") {
      var elements: [NativeElement] = []
      while !words.take("}") {
        if !elements.isEmpty, !words.take(",") { throw NativeRule.SyntaxError("a comma is missing between elements") }
        elements.append(try element(selectors))
      }
      match.values = .elements(elements)
    } else {
      let element = try element(selectors)
      if selectors.count == 1, case .flags = selectors[0].form, words.take("/"), element.ranges[0].count == 1 {
        match.operands[0].mask = try value(selectors)
      }
      match.values = .elements([element])
    }
  }

  private mutating func element(_ selectors: [NativeSelector]) throws(NativeRule.SyntaxError) -> NativeElement {
    var ranges: [ClosedRange<UInt128>] = []
    for (index, selector) in selectors.enumerated() {
      if index > 0, !words.take(".") { throw NativeRule.SyntaxError("an element has fewer values than there are fields") }
      let word = try words.any("a value")
      guard let range = selector.range(word) else { throw NativeRule.SyntaxError("`\(word)' is no value of \(selector.words)") }
      ranges.append(range)
    }
    return NativeElement(ranges)
  }

  private mutating func choices(_ selectors: [NativeSelector]) throws(NativeRule.SyntaxError) -> [NativeRule.Choice] {
    guard words.take("{") else { throw NativeRule.SyntaxError("`{' is missing behind vmap") }
    var choices: [NativeRule.Choice] = []
    while !words.take("}") {
      if !choices.isEmpty, !words.take(",") { throw NativeRule.SyntaxError("a comma is missing between elements") }
      let element = try element(selectors)
      guard words.take(":") else { throw NativeRule.SyntaxError("`:' is missing between an element and its verdict") }
      if words.take("continue") {
        choices.append(NativeRule.Choice(element, .next))
        continue
      }
      switch try end() {
      case .some(.queue), .some(.reject), .none: throw NativeRule.SyntaxError("an element has no verdict")
      case .some(let end): choices.append(NativeRule.Choice(element, end))
      }
    }
    return choices
  }

  private mutating func selector() throws(NativeRule.SyntaxError) -> NativeSelector {
    if let found = NativeSelector.all.first(where: { words.take($0.words) }) { return found }
    let word = try words.any("a field")
    guard let raw = NativeSelector(raw: word) else { throw NativeRule.SyntaxError("`\(word)' is not known") }
    return raw
  }
}
