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
  static func report(_ tables: [Table]) {
    for table in tables {
      for chain in table.chains {
        for (position, rule) in chain.rules.enumerated() {
          for part in rule.unknownParts {
            Console.complain(
              """
              \(table.name.rawValue) \(chain.name) rule \(position + 1): no extension can read the \(part.kind.rawValue) \
              `\(part.name)' revision \(part.revision); its bytes are printed instead
              """)
          }
        }
      }
    }
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
