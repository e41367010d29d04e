import XTables

/// The XML of `iptables-xml`, table by table. A chain is opened at its first rule; chains without rules are written at the end of
/// their table.
struct XMLDocument {
  struct Word {
    let bytes: ArraySlice<UInt8>
    let isQuoted: Bool

    func isBare(_ texts: String...) -> Bool { !isQuoted && texts.contains { bytes.elementsEqual($0.utf8) } }

    func isAny(_ texts: String...) -> Bool { texts.contains { bytes.elementsEqual($0.utf8) } }

    var isTarget: Bool { isAny("-j", "--jump", "-g", "--goto") }
    var isOption: Bool { bytes.first == UInt8(ascii: "-") }
  }

  private struct SavedChain {
    let name: ArraySlice<UInt8>
    let policy: ArraySlice<UInt8>
    let counters: Counters
    var isOpened = false
  }

  /// `-c`: whether the actions of consecutive rules with the same conditions are combined.
  var combines = false
  private(set) var text: [UInt8] = []
  private var table: ArraySlice<UInt8>?
  private var chain: ArraySlice<UInt8>?
  private var chains: [SavedChain] = []
  private var hasOpenRule = false
  private var hasOpenActions = false
  private var lastRule: [Word] = []

  var isInTable: Bool { table != nil }

  mutating func takeText() -> [UInt8] {
    defer { text.removeAll(keepingCapacity: true) }
    return text
  }

  // MARK: Text

  private mutating func put(_ string: String) { text.append(contentsOf: string.utf8) }

  private mutating func encode(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "&"): put("&amp;")
      case UInt8(ascii: "<"): put("&lt;")
      case UInt8(ascii: ">"): put("&gt;")
      case UInt8(ascii: "\""): put("&quot;")
      case 127...: put("&#\(byte);")
      default: text.append(byte)
      }
    }
  }

  /// Writes the text of a comment, in which two consecutive hyphens are not allowed.
  private mutating func escapeComment(_ bytes: ArraySlice<UInt8>) {
    var isSecond = false
    for byte in bytes {
      if byte == UInt8(ascii: "-") {
        put(isSecond ? " *" : "*")
        isSecond.toggle()
      }
      text.append(byte)
    }
  }

  mutating func comment(_ bytes: ArraySlice<UInt8>) {
    put("<!-- ")
    escapeComment(bytes)
    put(" -->\n")
  }

  mutating func lineComment(_ number: Int, _ bytes: ArraySlice<UInt8>) {
    put("<!-- line \(number) ")
    escapeComment(bytes)
    put(" -->\n")
  }

  private mutating func attribute(_ name: String, _ value: ArraySlice<UInt8>) {
    put("\(name)=\"")
    encode(value)
    put("\" ")
  }

  // MARK: Tables and chains

  mutating func openTable(_ name: ArraySlice<UInt8>) {
    closeTable()
    table = name.prefix(32)
    put("  <table ")
    attribute("name", name.prefix(32))
    put(">\n")
  }

  mutating func closeTable() {
    closeChain()
    for saved in chains where !saved.isOpened { open(saved, isEmpty: true) }
    chains = []
    if isInTable { put("  </table>\n") }
    table = nil
  }

  mutating func saveChain(_ name: ArraySlice<UInt8>, policy: ArraySlice<UInt8>, _ counters: Counters?) {
    chains.append(SavedChain(name: name, policy: policy, counters: counters ?? Counters()))
  }

  /// Opens a declared chain, unless it is already open.
  mutating func needChain(_ name: ArraySlice<UInt8>) {
    if chain == name { return }
    for index in chains.indices where chains[index].name == name {
      open(chains[index], isEmpty: false)
      chains[index].isOpened = true
    }
  }

  private func isChain(_ name: ArraySlice<UInt8>) -> Bool { chain == name || chains.contains { $0.name == name } }

  private mutating func open(_ saved: SavedChain, isEmpty: Bool) {
    closeChain()
    put("    <chain ")
    attribute("name", saved.name.prefix(32))
    if !saved.policy.elementsEqual("-".utf8) { attribute("policy", saved.policy) }
    put("packet-count=\"\(saved.counters.packets)\" byte-count=\"\(saved.counters.bytes)\" ")
    put(isEmpty ? "/>\n" : ">\n")
    chain = isEmpty ? nil : saved.name.prefix(32)
  }

  private mutating func closeChain() {
    guard chain != nil else { return }
    closeRule()
    put("    </chain>\n")
    chain = nil
  }

  private mutating func closeRule() {
    if hasOpenActions { put("       </actions>\n\n") }
    if hasOpenRule { put("      </rule>\n\n") }
    hasOpenActions = false
    hasOpenRule = false
  }

  // MARK: Rules

  /// - Parameter words: the words of the line, `-A` and the chain first.
  mutating func rule(_ words: [Word], packets: ArraySlice<UInt8>?, bytes: ArraySlice<UInt8>?) {
    let hasConditions = words.count > 2 && !words[2].isTarget
    if combines, hasConditions, hasSameConditions(words) {
      comment(ArraySlice("Combine action from next rule".utf8))
    } else {
      closeRule()
      put("      <rule ")
      if let packets { attribute("packet-count", packets) }
      if let bytes { attribute("byte-count", bytes) }
      put(">\n")
      hasOpenRule = true
      if hasConditions {
        put("       <conditions>\n")
        writePart(words, from: 2, isConditions: true)
        put("       </conditions>\n")
      }
    }
    if !hasOpenActions { put("       <actions>\n") }
    hasOpenActions = true
    writePart(words, from: words.dropFirst(2).firstIndex { !$0.isQuoted && $0.isTarget } ?? words.count, isConditions: false)
    lastRule = words
  }

  /// Whether the previous rule has the same conditions, and packets proceed from it to the next rule.
  private func hasSameConditions(_ words: [Word]) -> Bool {
    for (index, (old, new)) in zip(lastRule, words).enumerated() {
      if old.isTarget, new.isTarget {
        if old.isAny("-g", "--goto") { return false }
        return !(index + 1 < lastRule.count && lastRule[index + 1].isAny("ACCEPT", "DROP", "QUEUE", "RETURN"))
      }
      if old.bytes != new.bytes { return false }
    }
    return false
  }

  /// Writes the matches or the target: an element for each, with its options as elements inside.
  private mutating func writePart(_ words: [Word], from start: Int, isConditions: Bool) {
    var part = Part()
    let first = start < words.count && words[start].isAny("!") ? start + 1 : start
    if first < words.count, words[first].isOption, !words[first].isTarget, !words[first].isAny("-m") {
      openElement("match", in: &part)
    }
    var at = start
    while at < words.count {
      let word = words[at]
      let next = at + 1 < words.count ? words[at + 1] : nil
      if isConditions, !word.isQuoted, word.isTarget { break }
      if word.isBare("!") {
        if next?.isOption == true { part.isInverted = true } else { put(part.spacer + "!") }
        part.spacer = " "
      } else if !word.isQuoted, word.isTarget, let next, isChain(next.bytes) {
        part.close(&self)
        openElement(word.isAny("-g", "--goto") ? "goto" : "call", in: &part)
        put("          <")
        text.append(contentsOf: next.bytes)
        put(" />\n")
        at += 1
      } else if !word.isQuoted, word.isTarget || word.isAny("-m", "--module") {
        guard let next else { break }
        part.close(&self)
        at += 1
        openExtension(next, before: at + 1 < words.count ? words[at + 1] : nil, in: &part)
      } else if !word.isQuoted, word.isOption {
        writeOption(word, before: next, in: &part)
      } else {
        writeValue(word, in: &part)
      }
      at += 1
    }
    part.close(&self)
  }

  /// The open elements in a part of a rule.
  private struct Part {
    var outer: ArraySlice<UInt8>?
    var inner: ArraySlice<UInt8>?
    var isInverted = false
    var spacer = ""

    mutating func closeInner(_ document: inout XMLDocument) {
      if let inner { document.text += Array("</".utf8) + inner + Array(">\n".utf8) }
      inner = nil
    }

    mutating func close(_ document: inout XMLDocument) {
      closeInner(&document)
      if let outer { document.text += Array("        </".utf8) + outer + Array(">\n".utf8) }
      outer = nil
      spacer = ""
      isInverted = false
    }
  }

  private mutating func openElement(_ name: String, in part: inout Part) {
    put("        <\(name) >\n")
    part.outer = ArraySlice(name.utf8)
  }

  private mutating func openExtension(_ name: Word, before next: Word?, in part: inout Part) {
    put("        <")
    text.append(contentsOf: name.bytes)
    if let next, next.isQuoted || !(next.isTarget || next.isAny("-m", "--module")) {
      put(" >\n")
      part.outer = name.bytes
    } else {
      put("  />\n")
    }
  }

  private mutating func writeOption(_ word: Word, before next: Word?, in part: inout Part) {
    part.closeInner(&self)
    let tag = word.bytes.drop { $0 == UInt8(ascii: "-") }
    part.spacer = ""
    put("          <")
    text.append(contentsOf: tag)
    put(" ")
    if part.isInverted { put(" invert=\"1\"") }
    part.isInverted = false
    if let next, !next.isOption {
      put(">")
      part.inner = tag
    } else {
      put(" />\n")
    }
  }

  private mutating func writeValue(_ word: Word, in part: inout Part) {
    let quote = word.isQuoted || word.bytes.contains(UInt8(ascii: " ")) ? "&quot;" : ""
    put(part.spacer + quote)
    encode(word.bytes)
    put(quote)
    part.spacer = " "
  }
}
