internal import Compiler
internal import XTables

extension NativeTable {
  /// A table that is not iptables', with the chains that packets can reach from base chains at hooks of IP.
  ///
  /// - Returns: nil if its chains see no IP packets, or packets reach no rule.
  init?(_ source: NftTable, _ registry: Registry) {
    guard NftBuiltinChain.iptables(source) == nil, !source.isDormant, let family = TableFamily(rawValue: source.familyName) else {
      return nil
    }
    self.init(family, source.name)
    let numbers = Dictionary(source.chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
    var reader = NativeRuleReader(sets: source.sets.mapValues(\.content), family: family, NativeFields(registry)) {
      HostInterfaces.name(of: $0)
    }
    var waiting = source.chains.indices.filter { index in
      source.chains[index].place.map { $0.hook < 5 && $0.type != "nat" } ?? false
    }
    guard waiting.contains(where: { !source.chains[$0].rules.isEmpty || source.chains[$0].drops }) else { return nil }
    var isSeen = Set(waiting)
    var read: [Int: NativeChain] = [:]
    while let index = waiting.popLast() {
      let chain = NativeChain(name: source.chains[index].name, rules: source.chains[index].rules.map { reader.rule($0.expressions) })
      for next in chain.rules.flatMap(\.chains).compactMap({ numbers[$0] }) where isSeen.insert(next).inserted { waiting.append(next) }
      read[index] = chain
    }
    chains = read.sorted { $0.key < $1.key }.map(\.value)
    sets = reader.usedSets
    // A chain that the dump did not have.
    guard chains.flatMap(\.rules).flatMap(\.chains).allSatisfy({ numbers[$0] != nil }) else { return nil }
  }

  /// Whether a dry run knows what all rules do that packets can reach from a chain; nil if it is not one of the table.
  func isWhollyKnown(from name: String) -> Bool? {
    let reached = reach(from: name)
    return reached.isEmpty ? nil : !reached.contains { chains[$0].rules.contains(where: \.hasUnknown) }
  }
}
