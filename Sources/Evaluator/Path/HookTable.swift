import Netfilter
import Wire
import XTables

extension HookOperation {
  /// The operations of a family at each hook, for the loaded tables and the services that their rules need.
  ///
  /// A table has an operation at each hook where it has a chain. Connection tracking and reassembly are present only if a rule needs them.
  /// Without them a nat table sees no packets.
  ///
  /// - Parameters:
  ///   - usesNfTables: true if the tables are those of iptables-nft.
  ///   - others: the host's chains beside the tables. Those that may neither drop nor change a packet have no operation. Rules of the others
  ///     may need services too.
  ///   - areMissing: true if the rules of the family were not given. Then the first operation of each hook says so.
  static func rows(
    of programs: [TableProgram], usesNfTables: Bool, _ others: [OtherChain], _ family: Family, areMissing: Bool
  ) -> [[HookOperation]] {
    var rows: [HookOperation] = []
    for (index, chain) in others.enumerated() where chain.families.contains(family) && chain.matters {
      if let place = chain.place { rows.append(HookOperation(place.hook, family, place.priority, chain.title, .other(index))) }
    }
    if areMissing { rows += Hook.allCases.map { HookOperation($0, family, .min, "rules", .rulesMissing) } }
    let services = (programs + others.compactMap { $0.rules?.program(family) }).services(family)
    if services.contains(.defragmentation) {
      for hook in [Hook.prerouting, .output] {
        rows.append(HookOperation(hook, family, HookPriority.defragmentation, "defrag", .defragment))
      }
    }
    if services.contains(.conntrack) {
      for hook in [Hook.prerouting, .output] {
        rows.append(HookOperation(hook, family, HookPriority.conntrack, "conntrack", .track))
      }
      for hook in [Hook.input, .postrouting] {
        rows.append(HookOperation(hook, family, HookPriority.confirm, "confirm", .confirm))
      }
    }
    if services.isSuperset(of: .synproxy) {
      for hook in [Hook.input, .postrouting] {
        rows.append(HookOperation(hook, family, HookPriority.synproxy, "synproxy", .synproxy))
      }
    }
    for (index, program) in programs.enumerated() where program.family == family {
      for hook in program.name.hooks { rows.append(row(program.name, index, hook, family, usesNfTables)) }
    }
    // The kernel keeps registration order for equal priorities. It is not known of other chains, which are put first.
    rows.sort { $0.priority < $1.priority }
    return Hook.allCases.map { hook in rows.filter { $0.hook == hook } }
  }

  private static func row(_ name: TableName, _ index: Int, _ hook: Hook, _ family: Family, _ usesNfTables: Bool) -> HookOperation {
    let priority = HookPriority.of(name, at: hook, usesNfTables: usesNfTables)
    let action: HookOperation.Action =
      if name == .nat { .translate(index) } else if name == .mangle, hook == .output { .mangleOutput(index) } else { .table(index) }
    return HookOperation(hook, family, priority, name.rawValue, action)
  }
}

extension [TableProgram] {
  /// The services that the rules of a family need.
  func services(_ family: Family) -> KernelServices {
    reduce(into: []) { if $1.family == family { $0.formUnion($1.services) } }
  }
}

extension Simulator {
  /// Runs an operation on a packet.
  func run(_ action: HookOperation.Action, in inputs: OperationInputs, _ journey: inout Journey) -> OperationOutcome {
    let rules = inputs.rules
    return switch action {
    case .rulesMissing: .unknown(UnknownReason("the verdict", lacking: .rules(journey.context.family)))
    case .defragment: defragment(&journey)
    case .track: track(&journey, inputs)
    case .synproxy: synproxy(&journey, rules)
    case .confirm: confirm(&journey, rules)
    case .table(let index): runTable(rules.tables[index], &journey)
    case .mangleOutput(let index): mangleOutput(&journey, by: rules.tables[index])
    case .translate(let index): translate(&journey, by: rules.tables[index], rules)
    case .other(let index): pass(index, rules, &journey)
    }
  }
}
