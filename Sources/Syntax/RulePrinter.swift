import Conntrack
public import Wire
public import XTables

/// Prints rules, chains and tables as iptables-save 1.8.9 does.
public struct RulePrinter: Sendable {
  /// The family of the rules, for addresses.
  public let family: Family
  /// The names of protocols.
  public let names: NameDatabase

  /// Whether the output must be read back as the same rule where the output of iptables-save 1.8.9 is not.
  let isReloadable: Bool

  /// Creates a printer.
  ///
  /// - Parameter isReloadable: true for text that will be loaded again. Where iptables-save 1.8.9 prints text that is refused or
  ///   read as another rule, a form is printed that gives the same rule.
  public init(family: Family, names: NameDatabase, isReloadable: Bool = false) {
    self.isReloadable = isReloadable
    self.family = family
    self.names = names
  }

  /// The line `-A chain …` without a newline. With `counters`, `-c packets bytes` precedes the target, as in `iptables -S -v`.
  public func line(_ rule: Rule, chain: String, counters: Bool = false) -> [UInt8] {
    var text = emptyText
    text.word("-A")
    word(Array(chain.utf8), &text)
    print(rule, counters: counters, to: &text)
    return text.bytes
  }

  /// Appends the rule without its command to `text`.
  public func print(_ rule: Rule, counters: Bool = false, to text: inout RuleText) {
    text.protocolNumber = rule.header.protocolNumber
    let addresses = rule.matches.prefix { $0.descriptor.isUnreadAddress }
    for address in addresses { address.descriptor.save(address.payload, family: family, to: &text) }
    header(rule.header, to: &text)
    for match in rule.matches.dropFirst(addresses.count) {
      // The text of an unread part has its own option.
      if !match.descriptor.isUnread {
        text.word("-m")
        text.word(match.descriptor.savedName(match.payload))
      }
      match.descriptor.save(match.payload, family: family, to: &text)
    }
    if counters { text.word("-c \(rule.counters.packets) \(rule.counters.bytes)") }
    switch rule.target {
    case .none: break
    case .verdict(let verdict): target("-j", verdict.rawValue, &text)
    case .jump(let chain): target("-j", chain, &text)
    case .goto(let chain): target("-g", chain, &text)
    case .use(let use):
      if !use.descriptor.isUnread { target("-j", use.descriptor.savedName(use.payload), &text) }
      use.descriptor.save(use.payload, family: family, to: &text)
    }
  }

  private func target(_ option: String, _ name: String, _ text: inout RuleText) {
    text.word(option)
    word(Array(name.utf8), &text)
  }

  /// Appends a name. iptables-save does not quote names, whatever characters they have.
  private func word(_ name: [UInt8], _ text: inout RuleText) {
    if isReloadable, name.isEmpty || name.contains(where: { $0 == UInt8(ascii: "\"") || Lexer.isSpace($0) }) { return text.quoted(name) }
    text.word("")
    text.glue(bytes: name)
  }

  private func header(_ header: RuleHeader, to text: inout RuleText) {
    address("-s", header.source, header.inverted.contains(.source), &text)
    address("-d", header.destination, header.inverted.contains(.destination), &text)
    interface("-i", header.input, header.inverted.contains(.input), &text)
    interface("-o", header.output, header.inverted.contains(.output), &text)
    if header.protocolNumber != 0 {
      text.option("-p", inverted: header.inverted.contains(.protocol))
      let number = header.protocolNumber
      text.word(BuiltinProtocol.savedName(number) ?? names.protocolName(number) ?? String(number))
    }
    if header.isFragment { text.option("-f", inverted: header.inverted.contains(.fragment)) }
  }

  private func address(_ option: String, _ value: AddressMask, _ inverted: Bool, _ text: inout RuleText) {
    if value.mask == 0, family == .ipv6 || value.address == 0, !inverted { return }
    text.option(option, inverted: inverted)
    text.word(AddressSyntax.print(value, family))
  }

  /// An address and its mask as iptables-save prints them: a prefix length if the mask is contiguous, the whole mask if not.
  public static func address(_ value: AddressMask, _ family: Family) -> String { AddressSyntax.print(value, family) }

  private func interface(_ option: String, _ pattern: InterfacePattern, _ inverted: Bool, _ text: inout RuleText) {
    // iptables-legacy-save omits an inverted `+', a test that never holds: the rule read back would match every packet.
    if pattern.matchesAll, !(isReloadable && inverted) { return }
    text.option(option, inverted: inverted)
    self.word(pattern.text, &text)
  }

  /// The line `:CHAIN POLICY [packets:bytes]` without a newline.
  public func declaration(_ chain: Chain) -> [UInt8] {
    Array(":\(chain.name) \(chain.policy?.rawValue ?? "-") [\(chain.counters.packets):\(chain.counters.bytes)]".utf8)
  }

  /// A whole table from `*name` to `COMMIT`, newlines included.
  public func table(_ table: Table, counters: Bool) -> [UInt8] {
    var text = emptyText
    text.glue("*\(table.name.rawValue)\n")
    let chains = table.chainsInSaveOrder
    for chain in chains {
      text.glue(bytes: declaration(chain))
      text.endLine()
    }
    for chain in chains {
      let command = line(Rule(), chain: chain.name)
      for rule in chain.rules { append(rule, after: command, counters: counters, to: &text) }
    }
    text.glue("COMMIT\n")
    return text.bytes
  }

  /// A text without lines.
  package var emptyText: RuleText { RuleText(names: names, family: family, isReloadable: isReloadable) }

  /// Appends the line of a rule, newline included.
  ///
  /// - Parameters:
  ///   - command: `-A chain`.
  ///   - counters: whether the counters of the rule precede it.
  package func append(_ rule: Rule, after command: [UInt8], counters: Bool, to text: inout RuleText) {
    if counters { text.glue("[\(rule.counters.packets):\(rule.counters.bytes)] ") }
    text.glue(bytes: command)
    print(rule, to: &text)
    text.endLine()
  }
}
