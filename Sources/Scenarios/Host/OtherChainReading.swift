package import Documents
package import Evaluator
import Netfilter
import Wire

extension OtherChain {
  /// Reads an element of `chains` in a host description.
  package init(_ node: FileNode) throws(ScenarioFileError) {
    let object = try FileObject(node, .otherChain)
    func text(_ name: String) throws(ScenarioFileError) -> String {
      guard let member = object[name] else { throw node.error("chains: a chain needs `\(name)'") }
      return try member.text()
    }
    let family = try text("family")
    let hook = try text("hook")
    guard Hook(name: hook) != nil || ["ingress", "egress"].contains(hook) else {
      throw object.key("hook").error("chains: `\(hook)' is not a hook", hint: "PREROUTING to POSTROUTING, ingress, egress")
    }
    let families: [Family]
    switch family {
    case "ip": families = [.ipv4]
    case "ip6": families = [.ipv6]
    case "inet", "netdev": families = [.ipv4, .ipv6]
    default:
      throw object.key("family").error("chains: `\(family)' is not a family whose chains see IP packets", hint: "inet, ip, ip6, netdev")
    }
    let effects = try object["may"]?.oneOrMore().map { node throws(ScenarioFileError) in try node.text() } ?? []
    for effect in effects where !["drop", "change"].contains(effect) {
      throw object.key("may").error("chains: `\(effect)' is not what a chain may do", hint: "drop, change")
    }
    let type = try object["type"]?.text() ?? "filter"
    let drops = try object["policy"]?.text() == "drop"
    self.init(
      title: "\(family) \(try text("table")) \(try text("chain"))", hook: hook, priority: try object["priority"]?.integer() ?? 0,
      families: families, mayDrop: effects.contains("drop"), mayChange: effects.contains("change"),
      devices: try object["devices"]?.texts() ?? [])
    // A chain of the type route that changes the mark has packets routed again, and one of the type nat sees first packets only.
    if type == "filter" || type == "route" && !mayChange, try object["holder"]?.text() ?? "nf_tables" == "nf_tables" {
      native = NativePlace(table: "\(family) \(try text("table"))", chain: try text("chain"), drops: drops)
    }
  }
}

extension FileNode {
  /// Whether `backend` names nf_tables.
  package func isNfTables() throws(ScenarioFileError) -> Bool {
    let name = try text()
    guard name == "legacy" || name == "nft" else { throw error("backend: expected legacy or nft, found `\(name)'") }
    return name == "nft"
  }
}

extension FileShape {
  package static let otherChain = FileShape(
    name: "other-chain", title: "a chain beside the rules",
    members: [
      Member("family", .choice(["inet", "ip", "ip6", "netdev"]), "the family of its table in nf_tables"),
      Member("table", .text, "the name of its table"), Member("chain", .text, "its name"),
      Member("hook", .choice(Hook.allCases.map(\.name) + ["ingress", "egress"]), "the hook at which it sees packets"),
      Member("priority", .integer(Int(Int32.min)...Int(Int32.max)), "its place among the chains of the hook; default 0"),
      Member("type", .choice(["filter", "nat", "route"]), "its type; the rules of chains for nat are not evaluated"),
      Member("policy", .choice(["accept", "drop"]), "its policy; has no effect without rules in `nftables`"),
      Member("rules", .integer(0...Int.max), "the number of its rules; has no effect beside `may`"),
      Member("holder", .choice(["nf_tables", "ip_tables"]), "the part of the kernel that holds it; has no effect"),
      Member(
        "may", .oneOrMore(.choice(["drop", "change"])),
        "what it may do to a packet, whose verdict is then unknown if its rules are not in `nftables`; default nothing"),
      Member("devices", .list(.text), "the devices of a chain at ingress or egress; default all"),
    ], required: ["family", "table", "chain", "hook"])
}
