import Diagnostics
import Extensions
import Kernel
import XTables

extension Registry {
  /// Ferrule's extensions and those that libxtables adds on this machine.
  static let installed = Registry.ferrule.asking(XtablesExtensions.besideThisProgram())

  /// The same for rules of the running kernel: libxtables asks the kernel for its revisions.
  static let forThisKernel = Registry.ferrule.asking(XtablesExtensions.besideThisProgram(asksKernel: true))
}

/// Reports the parts of rules whose extension is unknown.
enum UndeclaredParts {
  /// Reports the rules that are printed as bytes, one line each.
  ///
  /// - Parameter printed: the chains whose rules were printed when they were read.
  static func report(_ tables: [Table], _ printed: [TableName: [String: NftPrintedChain]] = [:]) {
    for table in tables {
      for chain in table.chains {
        for (number, part) in printed[table.name]?[chain.name]?.unread ?? [] { report(part, of: number, chain, table) }
        for (position, rule) in chain.rules.enumerated() {
          for part in rule.unknownParts { report(part, of: position + 1, chain, table) }
        }
      }
    }
  }

  private static func report(_ part: ExtensionDescriptor, of number: Int, _ chain: Chain, _ table: Table) {
    Console.complain(
      """
      \(table.name.rawValue) \(chain.name) rule \(number): no extension can read the \(part.kind.rawValue) \
      `\(part.name)' revision \(part.revision); its bytes are printed instead
      """)
  }

  /// Reports the failures of libxtables extensions while printing rules.
  static func complain() {
    for registry in [Registry.installed, .forThisKernel] {
      for complaint in registry.foreign?.complaints ?? [] { Console.complain("\(complaint)") }
    }
  }
}

extension Rule {
  fileprivate var unknownParts: [ExtensionDescriptor] {
    var uses = matches
    if case .use(let use) = target { uses.append(use) }
    return uses.map(\.descriptor).filter(\.isUnknown)
  }
}
