package import Evaluator
import Netfilter
import Notation
import Scenarios
import Wire
import XTables

extension LabVerdict {
  init(_ verdict: PacketVerdict) {
    switch verdict {
    case .sent(let output): self.init(.sent, out: output)
    case .delivered: self.init(.local)
    case .dropped(let hook, let step, _): self.init(.drop, hook: hook.name, by: step?.label)
    case .lost: self.init(.lost)
    case .queued(let number, let hook): self.init(.queued, hook: hook.name, queue: number)
    case .absorbed(let hook): self.init(.absorbed, hook: hook?.name)
    case .refused: self.init(.none)
    case .unknown(let reason, let hook): self.init(.unknown, hook: hook?.name, by: reason.sentence)
    }
  }
}

extension LabPacket {
  package init(_ report: PacketReport, tracing: Bool) {
    self.init(origin: report.origin == .own ? .own : .kernel, verdict: LabVerdict(report.verdict), final: report.packet.bytes)
    input = report.input
    mark = report.mark
    for passage in report.passages {
      hooks.append(LabPacket.hook(passage.hook.name, isExit: false, mark: passage.markBefore))
      if let mark = passage.markAfter { hooks.append(LabPacket.hook(passage.hook.name, isExit: true, mark: mark)) }
    }
    if tracing {
      trace = report.steps.map(\.label)
      for rest in report.omittedSteps { omitted[rest.step.label, default: 0] += rest.count }
    }
    for case .group(let group, let prefix) in report.logs { logs.append(Log(group: group, prefix: prefix)) }
    queued = report.queueStays.map { stay in
      Queued(
        queue: stay.queue, hook: stay.hook.name, mark: stay.mark, brief: stay.packet.brief, verdict: stay.answer?.description,
        input: stay.input, output: stay.output)
    }
    owner = report.owner.map { [$0.uid, $0.gid] }
  }
}

extension LabSocketRecord {
  init(_ event: SocketEvent) {
    func pair(_ end: SocketEvent.End) -> (IPAddress, UInt16) { (end.address, end.port) }
    switch event {
    case .accepted(let socket, let from, let local, let original, let name):
      self = .accepted(
        socket: socket, from: pair(from), local: pair(local), originalDestination: original.map(pair), name: name)
    case .received(let socket, let data, let from): self = .received(socket: socket, data: data, from: from.map(pair))
    case .closed(let socket): self = .closed(socket: socket)
    case .failed(let socket, let error): self = .failed(socket: socket, errno: error.rawValue)
    }
  }
}

extension LabInjection {
  /// The injection of an action's packet.
  init(_ packet: Packet, by action: ScenarioStep.Action) {
    switch action {
    case .receive(let frame): self = .frame(interface: frame.interface, packet: packet.bytes)
    case .local(let sender, _) where sender.way != .raw: self = .way(sender.way.rawValue)
    default: self = .raw(packet.bytes)
    }
  }
}
