import Conntrack
import Wire
import XTables

extension Simulator {
  /// Lays out the operations of a family from the tables that are loaded and what their rules need.
  ///
  /// A table stands at the hooks where it has a chain. Connection tracking and reassembly are there only when a rule asks for them;
  /// without them a nat table sees no packet.
  func operations(_ family: Family) -> [[HookOperation]] {
    var rows: [HookOperation] = []
    let services = self.services(family)
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
    for (index, program) in programs.enumerated() where program.family == family {
      for hook in program.name.hooks { rows.append(row(program.name, index, hook, family)) }
    }
    // Equal priorities keep their order of registration; none of these are equal at one hook.
    rows.sort { $0.priority < $1.priority }
    return Hook.allCases.map { hook in rows.filter { $0.hook == hook } }
  }

  private func row(_ name: TableName, _ index: Int, _ hook: Hook, _ family: Family) -> HookOperation {
    let priority = HookPriority.of(name, at: hook)
    let action: HookOperation.Action =
      if name == .nat { .translate(index) } else if name == .mangle, hook == .output { .mangleOutput(index) } else { .table(index) }
    return HookOperation(hook, family, priority, name.rawValue, action)
  }

  /// Runs an operation on a packet.
  func run(_ action: HookOperation.Action, _ journey: inout Journey) -> OperationOutcome {
    switch action {
    case .defragment: defragment(&journey)
    case .track: track(&journey)
    case .confirm: confirm(&journey)
    case .table(let index): runTable(index, &journey)
    case .mangleOutput(let index): mangleOutput(&journey, by: index)
    case .translate(let index): translate(&journey, by: index)
    }
  }
}
