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
        rows.append(HookOperation(hook, family, HookPriority.defragmentation, "defrag") { $0.defragment(&$1) })
      }
    }
    if services.contains(.conntrack) {
      for hook in [Hook.prerouting, .output] {
        rows.append(HookOperation(hook, family, HookPriority.conntrack, "conntrack") { $0.track(&$1) })
      }
      for hook in [Hook.input, .postrouting] {
        rows.append(HookOperation(hook, family, HookPriority.confirm, "confirm") { $0.confirm(&$1) })
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
    if name == .nat {
      return HookOperation(hook, family, priority, name.rawValue) { $0.translate(&$1, by: index) }
    }
    if name == .mangle, hook == .output {
      return HookOperation(hook, family, priority, name.rawValue) { $0.mangleOutput(&$1, by: index) }
    }
    return HookOperation(hook, family, priority, name.rawValue) { $0.runTable(index, &$1) }
  }
}
