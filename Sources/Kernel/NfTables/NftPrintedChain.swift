internal import Compiler
internal import Netfilter
package import Wire
package import XTables

/// Prints the rules of a family while they are read.
package protocol RuleLinePrinter: Sendable {
  /// The family of the rules.
  var family: Family { get }
  /// The only table of which rules are printed; nil for all tables.
  var table: TableName? { get }
  /// An empty text.
  var text: RuleText { get }
  /// What begins each line of a chain.
  func command(_ chain: String) -> [UInt8]
  /// Appends the line of a rule.
  func print(_ rule: Rule, _ command: [UInt8], to text: inout RuleText)
  /// Appends the line of a rule that iptables cannot express.
  func print(_ native: NftIptables.NativeObject, to text: inout RuleText)
}

/// The rules of a chain that were printed as they were read, and what else must be known of them. Neither the rules nor the kernel's
/// messages are kept, which take ten times the memory of the text.
package struct NftPrintedChain: Sendable, Equatable {
  /// The lines.
  package private(set) var text: RuleText
  /// The rules that iptables cannot express.
  private(set) var natives: [NftIptables.NativeObject] = []
  /// The chains to which rules lead.
  private(set) var targets: Set<String> = []
  /// The matches and targets that no extension can read, with the number of the rule, from 1.
  package private(set) var unread: [(number: Int, part: ExtensionDescriptor)] = []
  private let command: [UInt8]
  /// The number of the rules of iptables.
  private var count = 0

  fileprivate init(_ chain: String, _ printer: any RuleLinePrinter) { (text, command) = (printer.text, printer.command(chain)) }

  package static func == (left: NftPrintedChain, right: NftPrintedChain) -> Bool {
    left.text.bytes == right.text.bytes && left.natives == right.natives && left.targets == right.targets
  }

  fileprivate mutating func add(_ rule: Rule, _ printer: any RuleLinePrinter) {
    count += 1
    if let chain = rule.target.chain { targets.insert(chain) }
    for match in rule.matches where match.descriptor.isUnknown { unread.append((count, match.descriptor)) }
    if case .use(let use) = rule.target, use.descriptor.isUnknown { unread.append((count, use.descriptor)) }
    printer.print(rule, command, to: &text)
  }

  fileprivate mutating func add(
    _ native: NftRule, _ reason: NativeRuleDecoder.Native, _ table: TableName, _ chain: String, _ printer: any RuleLinePrinter
  ) {
    let native = NftIptables.NativeObject(
      native, reason, family: printer.family, table: table, chain: chain, position: count)
    natives.append(native)
    printer.print(native, to: &text)
  }
}

/// Decodes the rules that are printed while they are read.
package struct NftRulePrinting: Sendable {
  private let printer: any RuleLinePrinter
  private let registry: Registry
  private lazy var decoder = NativeRuleDecoder(registry, printer.family) { HostInterfaces.name(of: $0) }

  init(_ printer: any RuleLinePrinter, _ registry: Registry) { (self.printer, self.registry) = (printer, registry) }

  /// The name of a table if its rules are printed: one that has no chains but those of iptables.
  func printed(_ table: NftTable) -> TableName? {
    guard let (family, name) = NftBuiltinChain.iptables(table), family == printer.family, printer.table == nil || printer.table == name
    else { return nil }
    let isOfIptables = table.chains.allSatisfy { chain in
      chain.place == nil ? !name.hooks.contains { $0.name == chain.name } : NftBuiltinChain.contains(chain, of: table)
    }
    return isOfIptables ? name : nil
  }

  mutating func print(_ rule: NftRule, of table: TableName, to chain: inout NftChain) {
    let name = chain.name
    var printed = chain.printed.take() ?? NftPrintedChain(name, printer)
    do throws(NativeRuleDecoder.Native) {
      printed.add(try decoder.rule(comment: rule.comment, rule.forEachExpression), printer)
    } catch {
      printed.add(rule, error, table, name, printer)
    }
    chain.printed = printed
  }
}
