import XTables

extension NameRedaction {
  /// A table of nf_tables with other names, and without texts that say what its owner calls things.
  mutating func rename(_ table: NativeTable) -> NativeTable {
    var copy = NativeTable(table.family, rename(table: table.name))
    copy.chains = table.chains.map { chain in
      NativeTable.NativeChain(name: rename(chain: chain.name), rules: chain.rules.map { rename($0) })
    }
    for (name, set) in table.sets.sorted(by: { $0.key < $1.key }) { copy.sets[rename(set: name)] = set }
    return copy
  }

  private mutating func rename(_ rule: NativeRule) -> NativeRule {
    var copy = rule
    copy.end = rename(rule.end)
    for (index, part) in rule.parts.enumerated() {
      switch part {
      case .match(var match):
        if case .set(let name) = match.values { match.values = .set(rename(set: name)) }
        copy.parts[index] = .match(match)
      case .log(var log):
        if !log.prefix.isEmpty { log.prefix = rename(log: log.prefix) }
        copy.parts[index] = .log(log)
      case .unknown(let what) where what.hasPrefix("the set "): copy.parts[index] = .unknown("a set that is not constant")
      case .unknownTest(let what) where what.hasPrefix("the set "): copy.parts[index] = .unknownTest("a set that is not constant")
      case .limit, .setMark, .unknown, .unknownTest: break
      }
    }
    return copy
  }

  private mutating func rename(_ end: NativeRule.End) -> NativeRule.End {
    switch end {
    case .jump(let chain): return .jump(rename(chain: chain))
    case .goto(let chain): return .goto(rename(chain: chain))
    case .map(let operands, let choices):
      return .map(operands, choices.map { NativeRule.Choice($0.element, rename($0.end)) })
    case .next, .accept, .drop, .return, .queue, .reject: return end
    }
  }
}

extension NativeTable {
  /// The texts of its rules and sets, which have the addresses.
  var texts: [String] { chains.flatMap(\.rules).map { $0.text(in: family) } + sets.values.map { $0.text(in: family) } }

  /// The table with the texts of its rules and sets changed. A rule that is then none is unknown.
  func replacing(_ change: (String) -> String) -> NativeTable {
    var copy = self
    for chain in chains.indices {
      copy.chains[chain].rules = chains[chain].rules.map { rule in
        let text = rule.text(in: family)
        // Bytes of the network header without a name may be an address.
        let changed = text.contains("@nh,") ? nil : try? NativeRule(text: change(text), in: family)
        return changed ?? NativeRule([.unknown("an anonymised rule")], rule.end)
      }
    }
    copy.sets = sets.mapValues { set in
      (try? NativeSet(text: change(set.text(in: family)), in: family)) ?? NativeSet(set.operands, [])
    }
    return copy
  }
}
