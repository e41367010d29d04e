package import Documents
import Evaluator
import Netfilter
import Wire
package import XTables

extension NativeTable {
  /// Reads an element of `nftables` in a host description.
  package init(_ node: FileNode) throws(ScenarioFileError) {
    let object = try FileObject(node, .nativeTable)
    guard let familyNode = object["family"], let nameNode = object["table"] else {
      throw node.error("nftables: a table needs `family' and `table'")
    }
    guard let family = TableFamily(rawValue: try familyNode.text()) else {
      throw familyNode.error("nftables: `\(try familyNode.text())' is not a family whose rules are evaluated", hint: "inet, ip, ip6")
    }
    self.init(family, try nameNode.text())
    for member in try object["sets"]?.members() ?? [] {
      do throws(NativeRule.SyntaxError) {
        sets[member.name] = try NativeSet(text: Self.text(member.value), in: family)
      } catch {
        throw member.value.error("nftables: \(error.reason)")
      }
    }
    for member in try object["chains"]?.members() ?? [] {
      let rules = try member.value.list().map { line throws(ScenarioFileError) in
        let text = try line.text()
        do throws(NativeRule.SyntaxError) {
          return try NativeRule(text: text, in: family)
        } catch {
          throw line.error(
            "nftables: \(error.reason)", hint: "in the words of nft list ruleset, of which Ferrule knows what iptables has too")
        }
      }
      chains.append(NativeChain(name: member.name, rules: rules))
    }
    let known = Set(chains.map(\.name))
    for chain in chains {
      for target in chain.rules.flatMap(\.chains) where !known.contains(target) {
        throw node.error("nftables: a rule of chain `\(chain.name)' leads to chain `\(target)', which the table does not have")
      }
    }
  }

  private static func text(_ node: FileNode) throws(NativeRule.SyntaxError) -> String { (try? node.text()) ?? "" }
}

extension [OtherChain] {
  /// Gives the chains the rules of the tables in which they are.
  ///
  /// - Parameter registry: its extensions know the fields that rules compare.
  package mutating func take(_ tables: [(table: NativeTable, node: FileNode)], _ registry: Registry) throws(ScenarioFileError) {
    let fields = NativeFields(registry)
    // The loaded rules have the numbers from 0 on.
    var slot = Int(Int32.min) + 1
    for index in indices {
      guard let place = self[index].native, let hook = Hook(name: self[index].hook),
        let (table, node) = tables.first(where: { $0.table.title == place.table && $0.table.chains.contains { $0.name == place.chain } })
      else { continue }
      guard let rules = OtherChainRules(table, chain: place.chain, at: hook, drops: place.drops, slot: slot, fields) else {
        throw node.error("nftables: the rules of chain `\(place.chain)' lead in a loop")
      }
      slot += rules.slotCount
      self[index].rules = rules
    }
  }
}

extension FileShape {
  package static let nativeTable = FileShape(
    name: "nft-table", title: "a table of nf_tables",
    members: [
      Member("family", .choice(NativeTable.TableFamily.allCases.map(\.rawValue)), "its family"), Member("table", .text, "its name"),
      Member("sets", .map(.text), "its sets by name, as a comparison: `ip saddr { 10.0.0.0/8, 192.0.2.1 }`"),
      Member("chains", .map(.list(.text)), "the rules of its chains, in the words of nft: `tcp dport 25 drop`"),
    ], required: ["family", "table", "chains"])
}
