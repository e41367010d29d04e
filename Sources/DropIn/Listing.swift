import Kernel
import Syntax
import Wire
import XTables

/// Formats the tables of `iptables -L`, and the one-line form of a changed rule with `-v`.
///
/// The corresponding C function is `print_firewall`.
struct Listing {
  enum Style {
    /// `FMT_PRINT_RULE`: names and numbers without columns.
    case ruleLine
    case columns(isNumeric: Bool, isVerbose: Bool, isExact: Bool, showsNumbers: Bool)
  }

  let family: Family
  let names: NameDatabase
  let isNumeric: Bool
  let isVerbose: Bool
  /// `-x`: whether counters are printed in full.
  let isExact: Bool
  let showsNumbers: Bool

  init(family: Family, names: NameDatabase, style: Style) {
    self.family = family
    self.names = names
    switch style {
    case .ruleLine: (isNumeric, isVerbose, isExact, showsNumbers) = (true, true, false, false)
    case .columns(let numeric, let verbose, let exact, let numbers):
      (isNumeric, isVerbose, isExact, showsNumbers) = (numeric, verbose, exact, numbers)
    }
  }

  // MARK: Chains

  /// The line above a user's chain.
  func header(_ chain: String, references: Int) -> String { "Chain \(chain) (\(references) references)" }

  /// The line above a built-in chain.
  func header(_ chain: String, policy: StandardVerdict, _ counters: Counters) -> String {
    guard isVerbose else { return "Chain \(chain) (policy \(policy.rawValue))" }
    let packets = count(counters.packets, width: 0)
    let bytes = count(counters.bytes, width: 0)
    return "Chain \(chain) (policy \(policy.rawValue) \(packets) packets, \(bytes) bytes)"
  }

  var columns: String {
    var line = showsNumbers ? "num  " : ""
    if isVerbose { line += isExact ? "    pkts      bytes " : " pkts bytes " }
    line += "target     prot opt"
    if isVerbose { line += " in     out   " + " " }
    return line + " source               destination         "
  }

  // MARK: Rules

  /// The line of a rule in columns.
  func line(_ rule: Rule, number: Int) -> [UInt8] {
    let header = rule.header
    var line = showsNumbers ? Self.pad(String(number), 4) + " " : ""
    if isVerbose {
      line += count(rule.counters.packets, width: isExact ? 8 : 5) + " "
      line += count(rule.counters.bytes, width: isExact ? 8 : 5) + " "
    }
    line += Self.pad(targetName(rule.target), 9) + " "
    line += header.inverted.contains(.protocol) ? "!" : " "
    line += Self.pad(isNumeric ? String(header.protocolNumber) : protocolName(header.protocolNumber), 4) + " "
    line += fragment(header) + " "
    if isVerbose { line += " " + Self.pad(input(header), 6) + " " + Self.pad(output(header), 6) + " " }
    line += header.inverted.contains(.source) ? "!" : " "
    line += Self.pad(address(header.source), 19) + " "
    line += header.inverted.contains(.destination) ? "!" : " "
    line += Self.pad(address(header.destination), 19) + " "
    return Array(line.utf8) + details(rule)
  }

  /// The line of a rule without columns.
  func ruleLine(_ rule: Rule) -> [UInt8] {
    let header = rule.header
    var line = targetName(rule.target) + " "
    line += header.inverted.contains(.protocol) ? "!" : " "
    line += protocolName(header.protocolNumber) + " opt " + fragment(header) + " "
    line += "in \(input(header)) out \(output(header)) "
    line += (header.inverted.contains(.source) ? "!" : " ") + address(header.source) + " "
    line += (header.inverted.contains(.destination) ? "!" : " ") + "-> " + address(header.destination) + "  "
    return Array(line.utf8) + details(rule)
  }

  /// The details of matches and target, each after a blank.
  private func details(_ rule: Rule) -> [UInt8] {
    var text = RuleText(names: names, family: family, protocolNumber: rule.header.protocolNumber, isContinued: true)
    if case .goto = rule.target { text.glue("[goto] ") }
    for use in rule.matches { use.descriptor.list(use.payload, family: family, numeric: isNumeric, to: &text) }
    if case .use(let use) = rule.target { use.descriptor.list(use.payload, family: family, numeric: isNumeric, to: &text) }
    return text.bytes
  }

  private func targetName(_ target: RuleTarget) -> String {
    switch target {
    case .none: ""
    case .verdict(let verdict): verdict.rawValue
    case .jump(let chain), .goto(let chain): chain
    case .use(let use): use.descriptor.kernelName
    }
  }

  /// The name of a protocol. Numeric listings use only the names built into iptables.
  private func protocolName(_ number: UInt8) -> String {
    if number == 0 { return "all" }
    return BuiltinProtocol.savedName(number) ?? (isNumeric ? nil : names.protocolName(number)) ?? String(number)
  }

  private func fragment(_ header: RuleHeader) -> String {
    guard family == .ipv4 else { return "--" }
    return (header.inverted.contains(.fragment) ? "!" : "-") + (header.isFragment ? "f" : "-")
  }

  private func input(_ header: RuleHeader) -> String { interface(header.input, header.inverted.contains(.input)) }

  private func output(_ header: RuleHeader) -> String { interface(header.output, header.inverted.contains(.output)) }

  /// The whole name in the structure, even the part that the mask excludes.
  private func interface(_ pattern: InterfacePattern, _ isInverted: Bool) -> String {
    let bytes = (0..<16).map { UInt8(truncatingIfNeeded: pattern.name >> UInt128(120 - 8 * $0)) }.prefix { $0 != 0 }
    let name = bytes.isEmpty ? (isNumeric ? "*" : "any") : String(decoding: bytes, as: UTF8.self)
    return (isInverted ? "!" : "") + name
  }

  /// The address. Without `-n` it is resolved to a name, and any address is printed as `anywhere`.
  private func address(_ value: AddressMask) -> String {
    let isAnywhere = family == .ipv4 ? value.mask == 0 : value.address == 0
    if isAnywhere, !isNumeric { return "anywhere" }
    let text = RulePrinter.address(value, family)
    guard let slash = text.firstIndex(of: "/") else { return text }
    let suffix = value.prefix(family) == (family == .ipv4 ? 32 : 128) ? "" : text[slash...]
    let name = isNumeric ? nil : names.hostName(value.address, family)
    return (name ?? String(text[..<slash])) + suffix
  }

  /// A counter, shortened with K, M, G or T. The corresponding C function is `xtables_print_num`.
  private func count(_ value: UInt64, width: Int) -> String {
    var number = value
    var unit = ""
    if !isExact, value > 99_999 {
      for letter in ["K", "M", "G", "T"] {
        // The addition cannot overflow after the first division. Before it, it wraps as in C.
        number = (number &+ 500) / 1000
        unit = letter
        if number <= 9_999 { break }
      }
    }
    let text = String(number) + unit
    return String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
  }
}
