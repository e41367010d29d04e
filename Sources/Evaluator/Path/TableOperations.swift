import Netfilter
import Wire
import XTables

/// Tables as hook operations.
extension Simulator {
  /// Passes a packet through a table's chain for the hook.
  func runTable(_ table: LoadedTable, _ journey: inout Journey) -> OperationOutcome {
    let program = table.program
    let outcome: TableOutcome
    if !journey.isRecorded {
      if journey.keepsWay {
        outcome = runTable(table, keepingWayOf: &journey)
      } else if journey.notesHits {
        outcome = runTable(table, notingHitsOf: &journey)
      } else {
        var observer = NoObserver()
        outcome = runTable(table, &journey, &observer)
      }
    } else if watches.contains(where: { $0.isOf(program) }) {
      var observer = WatchingObserver(watches, program, traceExtent(journey))
      outcome = runTable(table, &journey, &observer)
      note(observer.way, &journey)
      observer.conclude(program, &journey.context, in: &watches)
    } else {
      var observer = StepObserver(program, traceExtent(journey))
      outcome = runTable(table, &journey, &observer)
      note(observer, &journey)
    }
    switch outcome {
    case .verdict(let verdict): return .verdict(verdict)
    case .hotdrop: return .dropped("a match drops the packet: its headers are truncated")
    case .paused: return .unknown(UnknownReason("the verdict", needs: "a limit: targets cause packets without end"))
    case .unknown(let reason): return .unknown(reason)
    }
  }

  private func runTable(_ table: LoadedTable, notingHitsOf journey: inout Journey) -> TableOutcome {
    // The log is moved out and back: the table has the packet's context for itself.
    var observer = HitLogger(table)
    swap(&observer.log, &journey.hits)
    observer.log.begin()
    let outcome = runTable(table, &journey, &observer)
    observer.log.end()
    swap(&observer.log, &journey.hits)
    return outcome
  }

  private func runTable(_ table: LoadedTable, keepingWayOf journey: inout Journey) -> TableOutcome {
    var observer = WayLogger(HitLogger(table))
    swap(&observer.logger.log, &journey.hits)
    observer.logger.log.begin()
    let outcome = runTable(table, &journey, &observer)
    observer.logger.log.end()
    swap(&observer.logger.log, &journey.hits)
    journey.keepsWay = observer.isRepeatable && !journey.context.reads.contains(.more)
    journey.wayHits += observer.hits
    return outcome
  }

  /// Runs a table to its end, including deferred effects of its targets.
  @inline(__always)
  private func runTable(_ table: LoadedTable, _ journey: inout Journey, _ observer: inout some TableObserver) -> TableOutcome {
    var outcome = table.program.run(&journey.context, counting: table, stack: &journey.jumps, observer: &observer)
    while case .paused(let entry) = outcome {
      settleEffects(&journey)
      outcome = table.program.run(&journey.context, counting: table, stack: &journey.jumps, observer: &observer, from: entry)
    }
    return outcome
  }

  /// Runs the mangle table at OUTPUT and routes the packet again if a routing key has changed.
  ///
  /// The corresponding kernel functions are `ipt_mangle_out` and `ip6t_mangle_out`.
  func mangleOutput(_ journey: inout Journey, by table: LoadedTable) -> OperationOutcome {
    let before = MangleKey(journey.context)
    let outcome = runTable(table, &journey)
    switch outcome {
    case .verdict(.drop), .verdict(.stolen), .dropped, .droppedBy, .absorbed, .unknown: return outcome
    case .verdict:
      guard MangleKey(journey.context) != before else { return outcome }
      return reroute(&journey, otherwise: "there is no route after the changes of the mangle table") ?? outcome
    }
  }

  /// Performs the side effects of targets. Answers are sent before the packet continues.
  func settleEffects(_ journey: inout Journey) {
    guard !journey.context.effects.isEmpty else { return }
    let effects = journey.context.effects
    journey.context.effects = []
    for effect in effects {
      switch effect {
      case .log(let level, let line): event.report.packets[reportIndex(&journey)].logs.append(.line(level: level, text: line))
      case .nflog(let group, let prefix): event.report.packets[reportIndex(&journey)].logs.append(.group(group, prefix: prefix))
      case .note(let sentence): event.report.packets[reportIndex(&journey)].notes.append(sentence)
      case .reply(let packet, let attachment): reply(packet, attachment, from: journey)
      case .send(let packet, let attachment): send(packet, attachment)
      case .duplicate(let packet, let gateway, let output): duplicate(packet, gateway, output, of: journey)
      }
    }
  }
}

/// Records the entries hit.
struct StepObserver: TableObserver {
  private(set) var trace: RuleTrace
  /// The packet and its mark at the last hit, if the entry's target may have changed them since.
  private(set) var seen: (packet: Packet, mark: UInt32)?

  init(_ program: TableProgram, _ extent: TraceExtent) { trace = RuleTrace(of: program, extent) }

  @inline(__always)
  mutating func hit(_ entry: Int, of program: TableProgram, _ context: borrowing PacketContext) {
    trace.note(entry)
    if program.entries[entry].action == .target {
      seen = (context.packet, context.mark)
    } else if seen != nil {
      seen = nil
    }
  }
}

/// The fields that the mangle table at OUTPUT compares before and after. IPv6 also compares the hop limit and the flow label.
private struct MangleKey: Equatable {
  let key: RouteKey
  let firstWord: UInt32
  let hopLimit: UInt8

  init(_ context: borrowing PacketContext) {
    key = RouteKey(context)
    let isWide = context.family == .ipv6
    firstWord = isWide ? context.packet.bytes.uint32(at: 0) ?? 0 : 0
    hopLimit = isWide ? context.packet.ttl ?? 0 : 0
  }
}

extension TableProgram {
  /// A report's form of an entry.
  func step(_ entry: Int) -> RuleStep {
    let place = places[entry]
    let chain = table.chains[Int(place.chain)]
    let number = Int(place.number)
    if let native { return native.step(place, of: self) }
    guard number <= chain.rules.count else {
      return RuleStep(
        table: name, chain: chain.name, kind: chain.isBuiltin ? .policy : .return, number: number,
        action: chain.policy?.rawValue ?? "", source: chain.source)
    }
    let rule = chain.rules[number - 1]
    let action =
      switch rule.target {
      case .none: ""
      case .verdict(let verdict): "-j \(verdict.rawValue)"
      case .jump(let name): "-j \(name)"
      case .goto(let name): "-g \(name)"
      case .use(let use): "-j \(use.descriptor.name)"
      }
    return RuleStep(table: name, chain: chain.name, kind: .rule, number: number, action: action, source: rule.source)
  }
}

extension NativeProgram {
  /// A report's form of an entry, in the words of nf_tables.
  fileprivate func step(_ place: EntryPlace, of program: TableProgram) -> RuleStep {
    let (index, number) = (Int(place.chain), Int(place.number))
    let chain = program.table.chains[index]
    guard number <= lines[index].count else {
      return RuleStep(
        table: program.name, owner: title, chain: names[index], kind: chain.isBuiltin ? .policy : .return,
        number: (lines[index].last?.number ?? 0) + 1, action: chain.policy.map { $0 == .drop ? "drop" : "accept" } ?? "", source: nil)
    }
    let line = lines[index][number - 1]
    return RuleStep(
      table: program.name, owner: title, chain: names[index], kind: .rule, number: line.number, action: line.text, source: nil)
  }
}
