import Conntrack
import Wire
import XTables

/// Records events of a packet in its report.
extension Simulator {
  /// Opens a report for a packet and returns its index.
  func open(_ origin: PacketReport.Origin, _ packet: Packet, _ family: Family, mark: UInt32) -> Int {
    event.report.packets.append(PacketReport(origin: origin, packet: packet, family: family, mark: mark))
    return event.report.packets.count - 1
  }

  /// The index of a packet's report, which is opened if there is none.
  func reportIndex(_ journey: inout Journey) -> Int {
    if journey.report == Journey.unreported {
      journey.report = open(.own, journey.context.packet, journey.context.family, mark: journey.context.mark)
    }
    return journey.report
  }

  func noteEntry(_ journey: inout Journey) {
    let index = journey.report
    guard index != Journey.unreported else { return }
    if let input = journey.context.input, journey.lingeringInput == nil { event.report.packets[index].input = host.name(of: input) }
    if event.report.packets[index].owner == nil, let owner = journey.context.owner, owner.hasFile, !journey.hidesOwner {
      event.report.packets[index].owner = owner
    }
    guard journey.isRecorded else { return }
    noteState(journey)
    event.report.packets[index].passages.append(passage(journey))
  }

  /// Records that a held packet continues within a hook.
  func noteReentry(_ journey: inout Journey) {
    journey.isReentering = true
    if journey.isRecorded { event.report.packets[journey.report].passages.append(passage(journey)) }
  }

  private func passage(_ journey: Journey) -> HookPassage {
    HookPassage(
      hook: journey.context.hook, input: journey.context.input.map { host.name(of: $0) },
      output: journey.context.output.map { host.name(of: $0) },
      markBefore: journey.context.mark, markAfter: nil)
  }

  func noteExit(_ journey: inout Journey) {
    guard journey.isRecorded else { return }
    noteState(journey)
    let passages = event.report.packets[journey.report].passages.count
    if passages > 0 { event.report.packets[journey.report].passages[passages - 1].markAfter = journey.context.mark }
  }

  private func noteState(_ journey: borrowing Journey) {
    event.report.packets[journey.report].packet = journey.context.packet
    event.report.packets[journey.report].mark = journey.context.mark
  }

  func noteOperation(_ operation: HookOperation, _ journey: inout Journey) {
    let passages = event.report.packets[journey.report].passages.count
    guard passages > 0 else { return }
    event.report.packets[journey.report].passages[passages - 1].operations.append(
      OperationRecord(name: operation.name, priority: operation.priority))
  }

  func noteOutcome(_ journey: inout Journey, _ outcome: @autoclosure () -> String) {
    guard journey.isRecorded else { return }
    let passages = event.report.packets[journey.report].passages.count
    guard passages > 0, let last = event.report.packets[journey.report].passages[passages - 1].operations.indices.last else { return }
    event.report.packets[journey.report].passages[passages - 1].operations[last].outcome = outcome()
  }

  /// Records what the table reported about the packet.
  func note(_ observer: StepObserver, _ journey: inout Journey) {
    event.report.packets[journey.report].omittedRecords = journey.context.omittedEffects
    let passages = event.report.packets[journey.report].passages.count
    guard !observer.trace.isEmpty, passages > 0,
      let last = event.report.packets[journey.report].passages[passages - 1].operations.indices.last
    else { return }
    var trace = observer.trace
    trace.finish()
    journey.listedEntries += trace.listedCount
    event.report.packets[journey.report].passages[passages - 1].operations[last].trace = trace
    event.report.packets[journey.report].packet = observer.seen?.packet ?? journey.context.packet
    event.report.packets[journey.report].mark = observer.seen?.mark ?? journey.context.mark
  }

  /// The limit for the trace of the next table.
  func traceExtent(_ journey: borrowing Journey) -> TraceExtent {
    TraceExtent(entries: max(0, extent.entries - journey.listedEntries), countsRest: extent.countsRest)
  }

  func noteStay(_ packet: QueuedPacket, _ journey: inout Journey) {
    event.report.packets[reportIndex(&journey)].queueStays.append(
      QueueStay(
        queue: packet.queue, hook: packet.hook, mark: packet.mark, input: packet.input, output: packet.output, packet: packet.packet))
  }

  func noteAnswer(_ verdict: QueueAnswer.Verdict, _ journey: inout Journey) {
    let index = reportIndex(&journey)
    guard let last = event.report.packets[index].queueStays.indices.last else { return }
    event.report.packets[index].queueStays[last].answer = verdict
  }

  /// The last rule that the packet hit.
  func lastStep(_ journey: borrowing Journey) -> RuleStep? {
    guard journey.isRecorded else { return nil }
    for passage in event.report.packets[journey.report].passages.reversed() {
      for operation in passage.operations.reversed() {
        if let step = operation.trace?.lastStep { return step }
      }
    }
    return nil
  }

  /// Ends a packet with a verdict, and releases its connection.
  func finish(_ journey: inout Journey, _ verdict: consuming PacketVerdict) {
    note(verdict, &journey)
    release(&journey)
  }

  func note(_ verdict: consuming PacketVerdict, _ journey: inout Journey) {
    if journey.report != Journey.unreported { event.report.packets[journey.report].verdict = copy verdict }
    journey.verdict = verdict
  }

  func release(_ journey: inout Journey) {
    if !journey.hasNothingToRelease, !journey.borrowsConnection, let handle = journey.context.attachment.connection,
      let table = rules.conntrack ?? world.conntrack, event.postponed.isEmpty || !leavesToPostponed(handle)
    {
      table.release(journey.context.attachment)
    }
    journey.context.attachment = .none
  }
}
