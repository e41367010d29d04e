internal import Glibc
internal import Wire

/// Lists the tables of nf_tables that see packets.
///
/// The corresponding kernel function is `nf_tables_getchain`.
enum NftTableList {
  /// Numbers of `linux/netfilter/nf_tables.h`.
  private enum Nft {
    static let subsystem: UInt8 = 10, getChain: UInt8 = 4
    static let chainTable: UInt16 = 1, chainHook: UInt16 = 4
  }

  /// The names of the families `NFPROTO_*`, as nft(8) writes them.
  private static let families: [UInt8: String] = [1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"]

  /// The tables with a chain at a hook, in the kernel's order; none if the kernel has no nf_tables. The kernel may load its module to
  /// answer.
  static func read() throws(KernelError) -> [OtherRules] {
    let answers: [NetlinkMessage]
    do throws(KernelError) {
      var socket = try NetlinkSocket(.netfilter)
      answers = try socket.dump(NetlinkMessage(subsystem: Nft.subsystem, Nft.getChain), what: "asking for the chains of nf_tables")
    } catch {
      // Without nfnetlink there is no such socket. Without the subsystem, nfnetlink answers EINVAL.
      switch error.error?.number {
      case EINVAL, EOPNOTSUPP, EPROTONOSUPPORT: return []
      default: throw error
      }
    }
    var found: [OtherRules] = []
    for answer in answers {
      let attributes = answer.attributes(from: 4)
      guard attributes[Nft.chainHook] != nil, let table = attributes.text(Nft.chainTable), let number = answer.body.first else { continue }
      let rules = OtherRules(.nfTables, family: families[number] ?? "family \(number)", table: table)
      if !found.contains(rules) { found.append(rules) }
    }
    return found
  }
}
