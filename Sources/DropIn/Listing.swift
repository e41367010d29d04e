import Kernel
import Syntax
import Wire
import XTables

/// The tables of `iptables -L`, and the one-line form that `-v` shows of a rule that is changed.
struct Listing {
  let family: Family
  let names: NameDatabase
  var isNumeric = false
  var isVerbose = false
  /// `-x`: counters are not shortened.
  var isExact = false
  var showsNumbers = false

  // MARK: Chains

  func header(_ chain: Chain, references: Int) -> String {
    var line = "Chain \(chain.name) "
    if let policy = chain.policy {
      line += "(policy \(policy.rawValue)"
      if isVerbose {
        line += " \(count(chain.counters.packets, width: nil)) packets, \(count(chain.counters.bytes, width: nil)) bytes"
      }
      line += ")"
    } else {
      line += "(\(references) references)"
    }
    return line
  }

  var columns: String {
    var line = showsNumbers ? "num  " : ""
    if isVerbose { line += isExact ? "    pkts      bytes " : " pkts bytes " }
    line += "target     prot opt"
    if isVerbose { line += " " + Self.pad("in", 6) + " " + Self.pad("out", 6) + " " }
    return line + " " + Self.pad("source", 19) + "  " + Self.pad("destination", 19) + " "
  }

  // MARK: Rules

  func line(_ rule: Rule, number: Int) -> [UInt8] {
    var line = showsNumbers ? Self.pad(String(number), 4) + " " : ""
    if isVerbose {
      line += count(rule.counters.packets, width: isExact ? 8 : 5) + " " + count(rule.counters.bytes, width: isExact ? 10 : 5) + " "
    }
    line += Self.pad(targetName(rule.target), 9) + " "
    line += rule.header.inverted.contains(.protocol) ? "!" : " "
    line += Self.pad(isNumeric ? String(rule.header.protocolNumber) : protocolName(rule.header.protocolNumber), 4) + " "
    line += fragment(rule.header) + " "
    if isVerbose {
      let input = interface(rule.header.input, rule.header.inverted.contains(.input))
      line += " " + Self.pad(input, 6) + " " + Self.pad(interface(rule.header.output, rule.header.inverted.contains(.output)), 6) + " "
    }
    line += rule.header.inverted.contains(.source) ? "!" : " "
    line += Self.pad(address(rule.header.source), 19) + " "
    line += rule.header.inverted.contains(.destination) ? "!" : " "
    line += Self.pad(address(rule.header.destination), 19) + " "
    return Array(line.utf8) + details(rule)
  }

  /// `FMT_PRINT_RULE`: names, numbers and no table.
  func verboseLine(_ rule: Rule) -> [UInt8] {
    let numeric = Listing(family: family, names: names, isNumeric: true, isVerbose: true)
    let header = rule.header
    var line = targetName(rule.target) + " "
    line += header.inverted.contains(.protocol) ? "!" : " "
    line += protocolName(header.protocolNumber) + " opt " + fragment(header) + " "
    line += "in " + numeric.interface(header.input, header.inverted.contains(.input)) + " "
    line += "out " + numeric.interface(header.output, header.inverted.contains(.output)) + " "
    line += (header.inverted.contains(.source) ? "!" : " ") + numeric.address(header.source) + " "
    line += (header.inverted.contains(.destination) ? "!" : " ") + "-> " + numeric.address(header.destination) + "  "
    return Array(line.utf8) + numeric.details(rule)
  }

  /// What matches and target say of themselves.
  private func details(_ rule: Rule) -> [UInt8] {
    var text = RuleText(names: names, family: family)
    if case .goto = rule.target { text.word("[goto]") }
    for match in rule.matches { match.descriptor.list(match.payload, family: family, numeric: isNumeric, to: &text) }
    if case .use(let use) = rule.target { use.descriptor.list(use.payload, family: family, numeric: isNumeric, to: &text) }
    return text.bytes.isEmpty ? [] : [UInt8(ascii: " ")] + text.bytes
  }

  private func targetName(_ target: RuleTarget) -> String {
    switch target {
    case .none: ""
    case .verdict(let verdict): verdict.rawValue
    case .jump(let chain), .goto(let chain): chain
    case .use(let use): use.descriptor.name
    }
  }

  private func protocolName(_ number: UInt8) -> String {
    number == 0 ? "all" : BuiltinProtocol.savedName(number) ?? names.protocolName(number) ?? String(number)
  }

  private func fragment(_ header: RuleHeader) -> String {
    guard family == .ipv4 else { return isVerbose || isNumeric ? "--" : "  " }
    return (header.inverted.contains(.fragment) ? "!" : "-") + (header.isFragment ? "f" : "-")
  }

  private func interface(_ pattern: InterfacePattern, _ inverted: Bool) -> String {
    let name = pattern.matchesAll && pattern.name == 0 ? (isNumeric ? "*" : "any") : String(decoding: pattern.text, as: UTF8.self)
    return (inverted ? "!" : "") + name
  }

  private func address(_ value: AddressMask) -> String {
    if value.mask == 0, !isNumeric { return "anywhere" }
    let text = RulePrinter.address(value, family)
    let full = family == .ipv4 ? "/32" : "/128"
    return text.hasSuffix(full) ? String(text.dropLast(full.count)) : text
  }

  /// A counter, shortened with K, M, G or T as `xtables_print_num` does.
  private func count(_ value: UInt64, width: Int?) -> String {
    var number = value
    var unit = ""
    if !isExact {
      for letter in ["K", "M", "G", "T"] where number > 99_999 || (unit != "" && number > 9_999) {
        number = (number + 500) / 1000
        unit = letter
      }
    }
    let text = String(number) + unit
    guard let width, text.utf8.count < width else { return text }
    return String(repeating: " ", count: width - text.utf8.count) + text
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text.utf8.count >= width ? text : text + String(repeating: " ", count: width - text.utf8.count)
  }
}

/// `-L` and `-S`.
extension Session {
  private func table(_ name: String, _ family: Family) throws(Exit) -> Table {
    guard TableName(rawValue: name) != nil else { throw noTable(name, family, nil) }
    do throws(KernelError) {
      return try RawTable.read(family, name).typed(registry)
    } catch {
      if case .malformed = error.reason { throw failure(1, error.description) }
      throw noTable(name, family, error)
    }
  }

  private func chains(_ table: Table, named chain: String?) throws(Exit) -> [Chain] {
    let chains = table.chainsInSaveOrder.filter { chain == nil || $0.name == chain }
    if chains.isEmpty {
      throw failure(
        KernelError(.refused, error: SystemError(number: 2), message: "No chain/target/match by that name"))
    }
    return chains
  }

  mutating func list(
    _ name: String, _ family: Family, chain: String?, number: Int?, _ flags: Command.Flags
  ) throws(Exit) {
    let table = try table(name, family)
    let listing = Listing(
      family: family, names: names, isNumeric: flags.isNumeric, isVerbose: flags.verbosity > 0, isExact: flags.isExact,
      showsNumbers: flags.showsLineNumbers)
    for (index, chain) in try chains(table, named: chain).enumerated() {
      if index > 0 { print("") }
      if number == nil {
        let references = table.chains.reduce(0) { sum, other in sum + other.rules.count { $0.target.chain == chain.name } }
        print(listing.header(chain, references: references))
        print(listing.columns)
      }
      for (position, rule) in chain.rules.enumerated() where number == nil || number == position + 1 {
        print(listing.line(rule, number: position + 1))
      }
    }
  }

  mutating func listRules(
    _ name: String, _ family: Family, chain: String?, number: Int?, verbose: Bool
  ) throws(Exit) {
    let chains = try chains(try table(name, family), named: chain)
    let printer = RulePrinter(family: family, names: names)
    for chain in chains where number == nil {
      if let policy = chain.policy {
        let counters = verbose ? " -c \(chain.counters.packets) \(chain.counters.bytes)" : ""
        print("-P \(chain.name) \(policy.rawValue)\(counters)")
      } else {
        print("-N \(chain.name)")
      }
    }
    for chain in chains {
      for (position, rule) in chain.rules.enumerated() where number == nil || number == position + 1 {
        print(printer.line(rule, chain: chain.name, counters: verbose))
      }
    }
  }
}
