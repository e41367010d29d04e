import Conntrack
import Netfilter
import Wire
import XTables

/// What the operations at hooks read besides the packet.
///
/// It is read once for all hooks, because each access to a property of an object is checked, and again after a queue's listener may have been
/// asked, which may load rules and advance the clock.
struct OperationInputs {
  let rules: LoadedRules
  let now: Instant

  /// Not inlined: the checks of access would else be made before every hook, although few packets need the values again.
  @inline(never)
  init(of simulator: Simulator) {
    rules = simulator.rules
    now = simulator.world.instant
  }
}

/// The passage of packets through hooks: `nf_hook_slow`, `nf_queue`, `nf_reinject`.
extension Simulator {
  /// Passes a packet through its hooks until it has left, was delivered, or ended.
  func travel(_ journey: inout Journey) {
    var inputs = OperationInputs(of: self)
    while pass(&journey, &inputs) {
      // A copy that a sending process hears at once may be queued.
      let isInProcess = journey.isInProcess
      defer { if isInProcess { inputs = OperationInputs(of: self) } }
      switch journey.context.hook {
      case .prerouting:
        // The value is bound only on a bridge: binding it copies it.
        guard journey.crossing == nil else { return approachBridged(&journey) }
        guard routeInput(&journey) else { return }
      case .forward: departForwarded(&journey)
      case .output: guard departLocal(&journey) else { return }
      case .input: return deliver(&journey)
      case .postrouting:
        guard journey.crossing == nil else { return transmitBridged(&journey) }
        guard transmit(&journey) else { return }
      }
    }
  }

  /// Moves a packet to a hook.
  func approach(_ hook: Hook, _ journey: inout Journey, input: Interface?, output: Interface?) {
    journey.context.hook = hook
    journey.context.input = input
    journey.context.output = output
    journey.operation = 0
    // After the hook at which it was queued, a packet goes on with softirqs disabled. Kernel: `nf_reinject`.
    if journey.isReentering { journey.isInProcess = false }
    journey.isReentering = false
    journey.hasNothingToRelease = false
  }

  /// Runs the operations of the packet's hook. Returns true if the packet passed all of them.
  private func pass(_ journey: inout Journey, _ inputs: inout OperationInputs) -> Bool {
    if !journey.isReentering { noteEntry(&journey) }
    var repetitions = 0
    while let action = inputs.rules.action(journey.operation, at: journey.context.hook, journey.context.family) {
      if journey.isRecorded { noteOperation(operation(of: inputs.rules, journey), &journey) }
      let outcome = run(action, in: inputs, &journey)
      if !journey.context.effects.isEmpty { settleEffects(&journey) }
      if journey.isInProcess, !event.postponed.isEmpty, !isWithinAnother {
        bringInLooped()
        inputs = OperationInputs(of: self)
      }
      switch outcome {
      case .verdict(.accept): journey.operation += 1
      case .verdict(.stop):
        journey.keepsWay = false
        journey.operation = .max
      case .verdict(.repeat):
        journey.keepsWay = false
        repetitions += 1
        guard repetitions < 1000 else {
          let needs = "a limit: \(operation(of: inputs.rules, journey).name) repeats the packet without end"
          finish(&journey, .unknown(UnknownReason("the verdict", needs: needs), at: journey.context.hook))
          return false
        }
      case .verdict(.queue(let number, let bypass)):
        journey.keepsWay = false
        guard enqueue(&journey, number, bypass: bypass) else { return false }
        inputs = OperationInputs(of: self)
      default:
        end(&journey, operation(of: inputs.rules, journey), outcome)
        return false
      }
    }
    noteExit(&journey)
    return true
  }

  /// The operation that the packet has reached.
  private func operation(of rules: LoadedRules, _ journey: borrowing Journey) -> HookOperation {
    rules.operations(at: journey.context.hook, journey.context.family)[journey.operation]
  }

  /// Ends the packet with the outcome of an operation.
  private func end(_ journey: inout Journey, _ operation: HookOperation, _ outcome: OperationOutcome) {
    let hook = journey.context.hook
    switch outcome {
    case .verdict(.stolen): finish(&journey, .dropped(at: hook, by: lastStep(journey), because: "\(operation.name) takes the packet"))
    case .verdict: drop(&journey)
    case .dropped(let reason): drop(&journey, reason)
    case .droppedBy(let step):
      noteOutcome(&journey, "drop")
      finish(&journey, .dropped(at: hook, by: step, because: ""))
    case .absorbed:
      noteOutcome(&journey, "keeps the fragment")
      finish(&journey, .absorbed(at: hook))
    case .unknown(let reason):
      noteOutcome(&journey, reason.sentence)
      finish(&journey, .unknown(reason, at: hook))
    }
  }

  private func drop(_ journey: inout Journey, _ reason: String = "") {
    noteOutcome(&journey, reason.isEmpty ? "drop" : reason)
    finish(&journey, .dropped(at: journey.context.hook, by: lastStep(journey), because: reason))
  }

  // MARK: Queues

  /// Queues a packet, and queues it again if a listener says so. Returns true if it continues at the journey's operation.
  ///
  /// The corresponding kernel functions are `nf_queue` and `nf_reinject`.
  private func enqueue(_ journey: inout Journey, _ number: UInt16, bypass: Bool) -> Bool {
    if let choice = journey.context.queueChoice {
      journey.context.queueChoice = nil
      if let reason = doubt(about: choice) {
        finish(&journey, .unknown(reason, at: journey.context.hook))
        return false
      }
    }
    var next = QueueStep.queue(number, bypass: bypass)
    while case .queue(let number, let bypass) = next { next = queueOnce(&journey, number, bypass: bypass) }
    return next == .goOn
  }

  /// The state of a packet after a queue.
  private enum QueueStep: Equatable {
    case goOn
    /// The packet is held, or has ended.
    case over
    case queue(UInt16, bypass: Bool)
  }

  private func queueOnce(_ journey: inout Journey, _ number: UInt16, bypass: Bool) -> QueueStep {
    guard let listener = queues[number] else {
      if host.missing.contains(.queueListeners), !silentQueues.contains(number) {
        finish(&journey, .unknown(UnknownReason("the verdict of queue \(number)", lacking: .queueListeners), at: journey.context.hook))
        return .over
      }
      if bypass { return passOver(&journey) }
      journey.isQueued = true
      return dropQueued(&journey, "no program listens to queue \(number)")
    }
    journey.isQueued = true
    guard waiting.count(inQueue: number) < listener.maximumLength else {
      if listener.isFailOpen { return passOver(&journey) }
      journey.isQueued = true
      return dropQueued(&journey, "queue \(number) is full")
    }
    // A packet that shares an unconfirmed connection cannot be queued. Kernel: `nf_ct_drop_unconfirmed`.
    if journey.borrowsConnection, let handle = journey.context.attachment.connection, world.conntrack?[handle]?.isConfirmed == false {
      return dropQueued(&journey, "a packet that shares an unconfirmed connection cannot be queued")
    }
    journey.queueStays += 1
    guard journey.queueStays <= 1000 else {
      finish(
        &journey,
        .unknown(UnknownReason("the verdict", needs: "a limit: queue listeners requeue the packet without end"), at: journey.context.hook))
      return .over
    }
    // Kernel: `nfqnl_build_packet_message`, if the listener reads the packet's bytes.
    journey.context.completeChecksum()
    let packet = QueuedPacket(
      id: waiting.nextID, queue: number, hook: journey.context.hook, packet: journey.context.packet, mark: journey.context.mark,
      input: journey.context.input?.name, output: journey.context.output?.name)
    waiting.nextID += 1
    noteStay(packet, &journey)
    if isWithinAnother {
      event.postponed.append(.queued(journey, packet))
      return .over
    }
    settlePostponed()
    return askListener(listener, packet, &journey)
  }

  private func askListener(_ listener: QueueListener, _ packet: QueuedPacket, _ journey: inout Journey) -> QueueStep {
    let entry = HeldPacket(journey: journey, queue: packet.queue, asQueued: RouteKey(journey.context))
    // The call that has sent the packet has returned.
    event.opening = nil
    let answer = listener.answer(packet)
    if answer.verdict == .hold {
      waiting.held[packet.id] = entry
      note(.queued(number: packet.queue, at: journey.context.hook), &journey)
      return .over
    }
    return reinject(&journey, answer, entry.asQueued)
  }

  /// Asks a queue's listener about a packet that was queued while another was in progress.
  func askPostponed(_ packet: QueuedPacket, _ journey: inout Journey) {
    guard let listener = queues[packet.queue] else { return }
    var next = askListener(listener, packet, &journey)
    if case .queue(let number, let bypass) = next { next = enqueue(&journey, number, bypass: bypass) ? .goOn : .over }
    if next == .goOn { travel(&journey) }
  }

  private func passOver(_ journey: inout Journey) -> QueueStep {
    journey.operation += 1
    return .goOn
  }

  private func dropQueued(_ journey: inout Journey, _ reason: String) -> QueueStep {
    finish(&journey, .dropped(at: journey.context.hook, by: lastStep(journey), because: reason))
    return .over
  }

  private static let noRouteOfListener = "there is no route to the destination set by the queue's listener"

  /// Applies a listener's verdict.
  private func reinject(_ journey: inout Journey, _ answer: QueueAnswer, _ queued: RouteKey) -> QueueStep {
    noteAnswer(answer.verdict, &journey)
    // A socket of the kernel is in another namespace than the first only while it sends. Kernel: `icmp_xmit_unlock`.
    if !isInFirstNamespace, journey.context.owner?.isOfKernel == true { journey.context.owner = nil }
    if let mark = answer.mark { journey.context.mark = mark }
    if let bytes = answer.bytes { journey.context.packet.bytes = bytes }
    journey.isReentering = true
    journey.isInProcess = true
    switch answer.verdict {
    case .accept, .stop:
      if journey.context.hook == .output, RouteKey(journey.context) != queued,
        let outcome = reroute(&journey, otherwise: Self.noRouteOfListener)
      {
        if case .unknown(let reason) = outcome {
          finish(&journey, .unknown(reason, at: .output))
          return .over
        }
        return dropQueued(&journey, Self.noRouteOfListener)
      }
      journey.operation = answer.verdict == .stop ? .max : journey.operation + 1
      return .goOn
    case .repeat: return .goOn
    case .queue(let number): return .queue(number, bypass: false)
    case .drop, .hold: return dropQueued(&journey, "the queue's listener drops the packet")
    }
  }

  /// Continues a held packet, in a report of its own.
  func resume(_ entry: HeldPacket, _ answer: QueueAnswer) {
    let old = entry.journey.context
    var journey = Journey(
      context: old, report: open(.own, old.packet, old.family, mark: old.mark), isRecorded: recordsTrace)
    journey.route = entry.journey.route
    journey.operation = entry.journey.operation
    journey.socket = entry.journey.socket
    noteReentry(&journey)
    var next = reinject(&journey, answer, entry.asQueued)
    if case .queue(let number, let bypass) = next { next = enqueue(&journey, number, bypass: bypass) ? .goOn : .over }
    if next == .goOn { travel(&journey) }
  }
}

/// A packet that waits for its listener.
struct HeldPacket {
  let journey: Journey
  let queue: UInt16
  let asQueued: RouteKey
}

/// The fields of a packet of this host that its route depends on. Kernel: `ip_rt_info`, `ip6_rt_info`.
struct RouteKey: Equatable {
  let source: IPAddress?
  let destination: IPAddress?
  let mark: UInt32
  /// IPv4 only.
  let tos: UInt8

  init(_ context: borrowing PacketContext) {
    source = context.packet.source
    destination = context.packet.destination
    mark = context.mark
    tos = context.family == .ipv4 ? context.packet.tos ?? 0 : 0
  }
}
