import Diagnostics
import Wire
import XTables

/// Handles the options of iptables itself.
extension CommandRun {
  mutating func takeGlobal(_ option: GlobalOption, word: OptionWord, attached: Token?) throws(OptionError) {
    switch option {
    case .append, .delete, .check, .insert, .replace, .list, .listRules, .flush, .zero, .newChain, .deleteChain,
      .renameChain, .policy:
      try takeVerb(option, word: word, attached: attached)
    case .protocol, .source, .destination, .input, .output, .fragment: try takeTest(option, word, attached)
    case .jump, .goto: try takeJump(option, word, attached)
    case .match: try takeMatch(word, attached)
    case .counters: try takeCounters(word, attached)
    case .table:
      if inverted { throw OptionError("not-invertible", "unexpected ! flag before --table", at: word.range) }
      let value = try argument(after: word, attached: attached)
      if parser.isRestore {
        throw OptionError(
          "table-in-rule", "The -t option cannot be used in \(parser.family.command)-restore.\n", at: word.range,
          hint: "remove -t: the line that starts with * selects the table")
      }
      tableWord = value
      table = TableName(rawValue: value.string) ?? table
    case .wait, .waitInterval: try takeWait(option, word, attached)
    case .modprobe: flags.modprobe = try argument(after: word, attached: attached).string
    case .numeric:
      try once(.numeric, word)
      flags.isNumeric = true
    case .verbose:
      if flags.verbosity == 0, inverted { throw OptionError("not-invertible", "cannot have ! before -v", at: word.range) }
      flags.verbosity += 1
    case .exact:
      try once(.exact, word)
      flags.isExact = true
    case .lineNumbers:
      try once(.lineNumbers, word)
      flags.showsLineNumbers = true
    case .version:
      flags.showsVersion = true
      flags.isVersionDenied = inverted
    case .help:
      flags.showsHelp = true
      if builder.matches.isEmpty { _ = try implyProtocol() }
    case .ipv4, .ipv6:
      let named: Family = option == .ipv4 ? .ipv4 : .ipv6
      guard named != parser.family else { return }
      guard parser.isRestore else { throw OptionError("wrong-family", "unknown option \"\(text(of: word))\"", at: word.range) }
      flags.isForOtherFamily = true
    }
  }

  /// Records an option of the rule, and refuses a second one. The corresponding C function is `set_option`.
  private mutating func once(_ option: GlobalOption, _ word: OptionWord, invertible: Bool = false) throws(OptionError) {
    if let first = builder.given[option] {
      throw OptionError(
        "repeated-option", "multiple -\(option.letter) flags not allowed", at: word.range,
        hint: first == word.range ? nil : "the option appears twice in this rule")
    }
    if inverted, !invertible {
      throw OptionError("not-invertible", "cannot have ! before -\(option.letter)", at: invertedAt ?? word.range)
    }
    builder.given[option] = word.range
  }

  private mutating func takeTest(_ option: GlobalOption, _ word: OptionWord, _ attached: Token?) throws(OptionError) {
    if option == .input || option == .output {
      // iptables checks for an empty name before it checks for a repeated option.
      let name = attached ?? (at < words.count ? words[at] : nil)
      if let name, name.bytes.isEmpty { _ = try interface(name) }
    }
    try once(option, word, invertible: true)
    if option == .fragment {
      guard parser.family == .ipv4 else {
        throw OptionError(
          "no-fragments-in-ipv6", "`-f' is not supported in IPv6, use -m frag instead", at: word.range)
      }
      builder.header.isFragment = true
      if inverted { builder.header.inverted.insert(.fragment) }
      return
    }
    // For these options iptables reads the whole word as the argument, so that an attached argument is misread.
    let argument = try argument(after: word, attached: attached == nil ? nil : words[word.index])
    switch option {
    case .protocol: try takeProtocol(argument)
    case .source:
      keep(.source, attached)
      builder.sourceWord = argument
      if inverted { builder.header.inverted.insert(.source) }
    case .destination:
      keep(.destination, attached)
      builder.destinationWord = argument
      if inverted { builder.header.inverted.insert(.destination) }
    case .input:
      keep(.input, attached)
      builder.header.input = try interface(argument)
      if inverted { builder.header.inverted.insert(.input) }
    default:
      keep(.output, attached)
      builder.header.output = try interface(argument)
      if inverted { builder.header.inverted.insert(.output) }
    }
  }

  private mutating func takeProtocol(_ token: Token) throws(OptionError) {
    let isUpper = token.bytes.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    let name = isUpper ? token.string.lowercased() : token.string
    let numeric = token.unsigned
    let number: UInt8? =
      numeric == nil
      ? BuiltinProtocol.number(name) ?? parser.names.protocolNumber(name) : numeric.flatMap { UInt8(exactly: $0) }
    guard let number else {
      let known = Spelling.nearest(to: name, in: BuiltinProtocol.names.map(\.name))
      throw OptionError(
        "unknown-protocol", "unknown protocol \"\(name)\" specified", at: token.range,
        hint: known.map { "did you mean \($0)?" } ?? "a protocol is a name or a number up to 255")
    }
    if number == 0, inverted {
      throw OptionError("never-matches", "rule would never match protocol", at: token.range)
    }
    // Routing, fragment, authentication and destination options headers.
    if parser.family == .ipv6, [43, 44, 51, 60].contains(number), !inverted {
      notices.append("Warning: never matched protocol: \(name). use extension match instead.")
    }
    builder.header.protocolNumber = number
    builder.header.isProtocolGiven = parser.family == .ipv6
    builder.protocolWord = name
    if inverted { builder.header.inverted.insert(.protocol) }
  }

  private mutating func interface(_ token: Token) throws(OptionError) -> InterfacePattern {
    if token.bytes.isEmpty {
      throw OptionError("empty-interface", "Empty interface is likely to be undesired", at: token.range)
    }
    if token.bytes.count > 15 {
      throw OptionError(
        "long-interface", "interface name `\(token.string)' must be shorter than IFNAMSIZ (15)", at: token.range)
    }
    if token.bytes.last != UInt8(ascii: "+"), token.bytes.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: " ") }) {
      notices.append("Warning: weird character in interface `\(token.string)' ('/' and ' ' are not allowed by the kernel).")
    }
    return InterfacePattern(token.bytes)
  }

  private mutating func takeJump(_ option: GlobalOption, _ word: OptionWord, _ attached: Token?) throws(OptionError) {
    try once(.jump, word)
    let name = try argument(after: word, attached: option == .jump && attached != nil ? words[word.index] : attached)
    if name.bytes.isEmpty { throw OptionError("bad-target", "Invalid target name (too short)", at: name.range) }
    if name.bytes.count >= 29 {
      throw OptionError("bad-target", "Invalid target name `\(name.string)' (28 chars max)", at: name.range)
    }
    if name.bytes.contains(where: { Lexer.isSpace($0) }) {
      throw OptionError("bad-target", "Invalid target name `\(name.string)'", at: name.range)
    }
    if StandardVerdict(bytes: name.bytes) == nil { keep(.jump, attached) }
    builder.jump = name
    builder.isGoto = option == .goto
    guard option == .jump, StandardVerdict(bytes: name.bytes) == nil else { return }
    if let structure = try takeStructure(.target, named: name) {
      builder.target = structure
    } else if let descriptor = parser.registry.declared(.target, named: name.bytes, parser.family) {
      if unreadByDemand.contains(descriptor.name) { return keepUnreadTarget(name) }
      builder.target = RuleBuilder.Pending(descriptor)
    } else {
      findForeignTarget(named: name)
      if builder.target == nil, parser.keepsUnread, at < words.count { keepUnreadTarget(name) }
    }
  }

  private mutating func takeMatch(_ word: OptionWord, _ attached: Token?) throws(OptionError) {
    let name = try argument(after: word, attached: attached)
    if inverted {
      throw OptionError("not-invertible", "unexpected ! flag before --match", at: invertedAt ?? word.range)
    }
    if name.bytes.count >= 29 {
      throw OptionError("bad-match", "Invalid match name \"\(name.string)\" (28 chars max)", at: name.range)
    }
    if let structure = try takeStructure(.match, named: name) { return builder.matches.append(structure) }
    guard let descriptor = parser.match(named: name.bytes) else {
      let error = unknownMatch(name)
      guard parser.keepsUnread else { throw error }
      parser.remarks?.add(.keptUnread(error, at: name.range))
      return keepUnreadMatch(name)
    }
    if unreadByDemand.contains(descriptor.name) { return keepUnreadMatch(name) }
    builder.matches.append(RuleBuilder.Pending(descriptor))
  }

  /// Reads `-c 1 2` or `-c 1,2`.
  private mutating func takeCounters(_ word: OptionWord, _ attached: Token?) throws(OptionError) {
    try once(.counters, word)
    let first = try argument(after: word, attached: attached)
    let parts = first.split(on: ",")
    guard let bytesToken = parts.count > 1 ? parts[1] : looseArgument() else {
      throw OptionError("bad-counters", "-c requires packet and byte counter", at: word.range)
    }
    guard let packets = CNumber(parts[0].bytes, base: .decimal) else {
      throw OptionError("bad-counters", "-c packet counter not numeric", at: first.range)
    }
    guard let bytes = CNumber(bytesToken.bytes, base: .decimal) else {
      throw OptionError("bad-counters", "-c byte counter not numeric", at: bytesToken.range)
    }
    for (number, token) in [(packets, first), (bytes, bytesToken)] where number.exact == nil {
      parser.wraps?.add(token.string, keptAs: String(number.wrapped), at: token.range)
    }
    builder.counters = Counters(packets: packets.wrapped, bytes: bytes.wrapped)
  }

  private mutating func takeWait(_ option: GlobalOption, _ word: OptionWord, _ attached: Token?) throws(OptionError) {
    if parser.isRestore {
      throw OptionError(
        "wait-in-rule", "You cannot use `-\(option.letter)' from \(parser.family.command)-restore", at: word.range)
    }
    guard let value = attached ?? looseArgument() else {
      if option == .wait {
        flags.wait = -1
        return
      }
      throw OptionError("bad-wait", "wait interval value required", at: word.range)
    }
    if option == .wait {
      guard let number = CNumber(value.bytes) else { throw OptionError("bad-wait", "wait seconds not numeric", at: value.range) }
      flags.wait = Int(number.int)
      return
    }
    guard let number = CNumber(value.bytes, base: .decimal).map({ UInt32(truncatingIfNeeded: $0.wrapped) }) else {
      throw OptionError("bad-wait", "wait interval not numeric", at: value.range)
    }
    if number > 999_999 {
      throw OptionError("bad-wait", "too long usec wait \(number) > 999999 usec", at: value.range)
    }
    notices.append("Ignoring deprecated --wait-interval option.")
    flags.waitInterval = Int(clamping: number)
  }
}
