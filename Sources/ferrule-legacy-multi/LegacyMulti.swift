import DropIn
import Extensions
import Glibc
import Kernel
import XTables

/// The commands of the iptables package and nothing else, as small as that can be: scripts call them by the hundred.
@main
enum LegacyMulti {
  static func main() {
    let call =
      Program.called(CommandLine.arguments, [.legacy])
      ?? Program.Call(.unnamed, [], CommandLine.arguments.first ?? "xtables-legacy-multi", .legacy)
    let registry = Registry.ferrule.asking(XtablesExtensions.besideThisProgram(asksKernel: true))
    exit(Session.run(call, registry: registry, names: .systemResolvingHosts))
  }
}
