import Netfilter
import Wire
import XTables

/// Chains beside the loaded rules as hook operations.
extension Simulator {
  /// Lets a packet pass such a chain. Its verdict is unknown if the chain may drop or change it and has no rules here.
  ///
  /// The corresponding kernel function is `nft_do_chain`.
  func pass(_ number: Int, _ rules: LoadedRules, _ journey: inout Journey) -> OperationOutcome {
    let chain = rules.others[number]
    guard let table = rules.otherTable(number, journey.context.family) else {
      let device = chain.hook == "egress" ? journey.context.output?.name : journey.context.input?.name
      if !chain.devices.isEmpty, let device, !chain.devices.contains(device) { return .verdict(.accept) }
      return .unknown(chain.reason)
    }
    let outcome: TableOutcome
    let last: RuleStep?
    if journey.isRecorded {
      var observer = StepObserver(table.program, traceExtent(journey))
      outcome = table.program.run(&journey.context, counting: table, stack: &journey.jumps, observer: &observer)
      last = observer.trace.lastStep
      note(observer, &journey)
    } else {
      var observer = LastObserver()
      outcome = table.program.run(&journey.context, counting: table, stack: &journey.jumps, observer: &observer)
      last = outcome == .verdict(.drop) ? observer.entry.map { table.program.step($0) } : nil
    }
    switch outcome {
    case .verdict(.drop):
      guard let last else { return .verdict(.drop) }
      return .droppedBy(last)
    case .verdict(let verdict): return .verdict(verdict)
    case .unknown(let reason): return .unknown(reason)
    // Its parts neither drop truncated packets nor have effects that the packet waits for.
    case .hotdrop, .paused: return .unknown(chain.reason)
    }
  }
}

/// Notes the last entry that a packet hits.
private struct LastObserver: TableObserver {
  var entry: Int?

  @inline(__always)
  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) { self.entry = entry }
}
