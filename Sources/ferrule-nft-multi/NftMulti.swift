import DropIn
import Extensions
import Glibc
import Kernel
import XTables

/// The commands of the iptables package for nf_tables and nothing else.
@main
enum NftMulti {
  static func main() {
    let call =
      Program.called(CommandLine.arguments, [.nft]) ?? Program.Call(.unnamed, [], CommandLine.arguments.first ?? "xtables-nft-multi", .nft)
    let registry = Registry.ferrule.asking(XtablesExtensions.besideThisProgram(asksKernel: true))
    exit(Session.run(call, registry: registry, names: .systemResolvingHosts))
  }
}
