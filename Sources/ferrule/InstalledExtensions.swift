import Diagnostics
import Extensions
import Kernel
import XTables

extension Registry {
  /// All that Ferrule knows, and what libxtables has beside that on this machine.
  static let installed = Registry.ferrule.asking(XtablesExtensions.besideThisProgram())

  /// The same for rules that go into the running kernel: the revisions are those it has.
  static let forThisKernel = Registry.ferrule.asking(XtablesExtensions.besideThisProgram(asksKernel: true))
}

/// Says what became of the parts of rules that nothing here understands.
enum UndeclaredParts {
  /// The rules of tables that are kept as bytes, a line each.
  static func report(_ tables: [Table]) {
    for table in tables {
      for chain in table.chains {
        for (position, rule) in chain.rules.enumerated() {
          for part in rule.unknownParts {
            Console.complain(
              """
              \(table.name.rawValue) \(chain.name) rule \(position + 1): nothing here can read the \(part.kind.rawValue) \
              `\(part.name)' revision \(part.revision); its bytes are kept
              """)
          }
        }
      }
    }
  }

  /// What extensions of libxtables failed in, where a printed rule could not tell.
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
