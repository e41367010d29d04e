extension NativeRule {
  /// The rule in the words of nft(8), without counters.
  ///
  /// Tests of the family or the protocol that a following name implies are left out, as nft(8) does. What Ferrule does not know is
  /// `unknown test "…"` if it only tests, and otherwise `unknown "…"`, which nft(8) does not have.
  public func text(in family: NativeTable.TableFamily) -> String {
    var printer = NativeRulePrinter(family)
    return printer.text(self)
  }
}

extension NativeSet {
  /// The set as a comparison with its elements: `ip saddr { 10.0.0.0/8, 192.0.2.1 }`.
  public func text(in family: NativeTable.TableFamily) -> String {
    var printer = NativeRulePrinter(family, namesAll: true)
    return printer.text(NativeRule([.match(NativeMatch(operands, .elements(elements)))]))
  }
}

/// Prints the parts of a rule in order.
private struct NativeRulePrinter {
  /// What the parts so far ensure.
  private var ensured: Set<NativeSelector.Need> = []
  private let namesAll: Bool
  private var words: [String] = []

  /// - Parameter namesAll: true to use every name, whatever the parts ensure.
  init(_ family: NativeTable.TableFamily, namesAll: Bool = false) {
    self.namesAll = namesAll
    ensured = family.ensured
  }

  mutating func text(_ rule: NativeRule) -> String {
    var at = 0
    while at < rule.parts.count {
      // Tests of family and protocol before a comparison that implies them.
      var needs: [NativeSelector.Need] = []
      var next = at
      while next < rule.parts.count, case .match(let match) = rule.parts[next], let need = NativeSelector.Need(match) {
        needs.append(need)
        next += 1
      }
      let following = operands(rule, next)
      if !needs.isEmpty, !following.isEmpty {
        let implied = implied(following, given: needs)
        if implied == needs {
          ensured.formUnion(needs)
          at = next
          if at == rule.parts.count { break }
        }
      }
      add(rule.parts[at])
      if case .match(let match) = rule.parts[at], let need = NativeSelector.Need(match) { ensured.insert(need) }
      at += 1
    }
    end(rule.end)
    return words.joined(separator: " ")
  }

  /// The operands of the comparison at an index of the parts; those of a map of verdicts after the last.
  private func operands(_ rule: NativeRule, _ index: Int) -> [NativeOperand] {
    if index < rule.parts.count {
      if case .match(let match) = rule.parts[index] { return match.operands }
    } else if case .map(let operands, _) = rule.end {
      return operands
    }
    return []
  }

  /// The needs of a comparison's names that nothing before ensures.
  private func implied(_ operands: [NativeOperand], given: [NativeSelector.Need]) -> [NativeSelector.Need] {
    var result: [NativeSelector.Need] = []
    for operand in operands {
      if let need = selector(operand.subject, ensured.union(given))?.need, !ensured.contains(need), !result.contains(need) {
        result.append(need)
      }
    }
    return result
  }

  private func selector(_ subject: NativeTest.Subject, _ ensured: Set<NativeSelector.Need>) -> NativeSelector? {
    NativeSelector.all.first { $0.subject == subject && ($0.need.map { namesAll || ensured.contains($0) } ?? true) }
      ?? NativeSelector(raw: subject)
  }

  private mutating func add(_ part: NativeRule.Part) {
    switch part {
    case .match(let match): add(match)
    case .limit(let limit):
      let rate = "\(limit.isOver ? "over " : "")\(limit.rate)/\(NativeRule.units.first { $0.1 == limit.unit }?.0 ?? "\(limit.unit)")"
      words.append("limit rate \(rate) burst \(limit.burst) packets")
    case .log(let log):
      words.append("log")
      if !log.prefix.isEmpty { words.append("prefix \(NativeRule.quote(log.prefix))") }
      switch log.place {
      case .kernel(let level, let content):
        if level != 4 { words.append("level \(level)") }
        if !content.isEmpty { words.append("flags \(content.rawValue)") }
      case .group(let group): words.append("group \(group)")
      }
    case .setMark(let mask, let value):
      let kept = mask == 0 ? "" : "meta mark & 0x\(String(mask, radix: 16)) ^ "
      words.append("meta mark set \(kept)0x\(String(value, radix: 16))")
    case .unknownTest(let what): words.append("unknown test \(NativeRule.quote(what))")
    case .unknown(let what): words.append("unknown \(NativeRule.quote(what))")
    }
  }

  private mutating func add(_ match: NativeMatch) {
    let names = match.operands.map { selector($0.subject, ensured) }
    guard !names.contains(where: { $0 == nil }) else {
      words.append("unknown test \"a field without a name\"")
      return
    }
    let selectors = names.compactMap(\.self)
    // The usual tests of bits.
    if selectors.count == 1, case .flags = selectors[0].form, let mask = match.operands[0].mask,
      case .elements(let elements) = match.values, elements.count == 1, elements[0].ranges.count == 1,
      elements[0].ranges[0].lowerBound == elements[0].ranges[0].upperBound
    {
      let value = elements[0].ranges[0].lowerBound
      if value == 0 {
        words.append("\(selectors[0].words) \(match.isInverted ? "" : "! ")\(selectors[0].text(mask))")
      } else {
        words.append("\(selectors[0].words) \(match.isInverted ? "!= " : "")\(selectors[0].text(value)) / \(selectors[0].text(mask))")
      }
      return
    }
    words.append(left(match.operands, selectors))
    if match.isInverted { words.append("!=") }
    switch match.values {
    case .set(let name): words.append(NativeRule.name(name) == name ? "@\(name)" : "@ \(NativeRule.quote(name))")
    case .elements(let elements):
      if elements.count == 1, selectors.count == 1, elements[0].ranges.count == 1 {
        if case .flags = selectors[0].form, !match.isInverted { words.append("==") }
        words.append(selectors[0].text(elements[0].ranges[0]))
      } else {
        words.append("{ " + elements.map { text($0, selectors) }.joined(separator: ", ") + " }")
      }
    }
  }

  private func left(_ operands: [NativeOperand], _ selectors: [NativeSelector]) -> String {
    zip(operands, selectors).map { $1.words + ($0.mask.map { " & 0x" + String($0, radix: 16) } ?? "") }.joined(separator: " . ")
  }

  private func text(_ element: NativeElement, _ selectors: [NativeSelector]) -> String {
    zip(element.ranges, selectors).map { $1.element($0) }.joined(separator: " . ")
  }

  private mutating func end(_ end: NativeRule.End) {
    switch end {
    case .next: break
    case .accept: words.append("accept")
    case .drop: words.append("drop")
    case .return: words.append("return")
    case .jump(let chain): words.append("jump \(NativeRule.name(chain))")
    case .goto(let chain): words.append("goto \(NativeRule.name(chain))")
    case .queue(let number, let isBypassed): words.append("queue num \(number)\(isBypassed ? " bypass" : "")")
    case .reject(.reset): words.append("reject with tcp reset")
    case .reject(.unreachable(let code)): words.append("reject with icmp \(code)")
    case .reject(.anyFamily(let number)): words.append("reject with icmpx \(NativeRule.anyFamilyCodes[Int(number & 3)])")
    case .map(let operands, let choices):
      let selectors = operands.compactMap { selector($0.subject, ensured) }
      guard selectors.count == operands.count else { return words.append("unknown \"a field without a name\"") }
      var texts: [String] = []
      for choice in choices {
        var other = self
        other.words = []
        other.end(choice.end)
        texts.append("\(text(choice.element, selectors)) : \(other.words.isEmpty ? "continue" : other.words.joined(separator: " "))")
      }
      words.append("\(left(operands, selectors)) vmap { \(texts.joined(separator: ", ")) }")
    }
  }
}

extension NativeTable.TableFamily {
  /// What is known of all packets that the chains of the table see.
  var ensured: Set<NativeSelector.Need> {
    switch self {
    case .inet: []
    case .ip: [.family(2)]
    case .ip6: [.family(10)]
    }
  }
}

extension NativeRule {
  /// The units of rates in seconds.
  static let units: [(String, UInt64)] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400), ("week", 604_800)]

  /// The errors of both families by their number. Kernel: `NFT_REJECT_ICMPX_*`.
  static let anyFamilyCodes = ["no-route", "port-unreachable", "host-unreachable", "admin-prohibited"]

  /// A text in quotes. A quote or a backslash in it follows a backslash.
  static func quote(_ text: String) -> String {
    "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
  }

  /// The name of a chain, in quotes if it is no identifier.
  static func name(_ name: String) -> String {
    let isPlain = !name.isEmpty && name.utf8.allSatisfy { NativeWords.isNameByte($0) }
    return isPlain ? name : quote(name)
  }
}
