internal import Kernel
internal import Scenarios
internal import Wire

/// A packet queued by an NFQUEUE rule or a listener's verdict.
struct NetlinkQueuedPacket: Sendable, Equatable {
  var queue: UInt16
  var identifier: UInt32
  var hook: Int
  var mark: UInt32
  var payload: [UInt8]
  var input: UInt32?
  var output: UInt32?
}

/// Listens to the queues of a scenario and gives its verdicts.
struct NetlinkQueues {
  /// Nil if the scenario has no listeners, and after `close()`.
  private var socket: NetlinkSocket?
  private let responses: [UInt16: [QueueResponse]]
  private var given: [UInt16: Int] = [:]

  private enum Message {
    static let subsystem: UInt8 = 3, packet: UInt8 = 0, verdict: UInt8 = 1, configure: UInt8 = 2
    static let command: UInt16 = 1, parameters: UInt16 = 2, length: UInt16 = 3, mask: UInt16 = 4, flags: UInt16 = 5
    static let bind: UInt8 = 1, copyPacket: UInt8 = 2, failOpen: UInt32 = 1
    static let header: UInt16 = 1, verdictHeader: UInt16 = 2, mark: UInt16 = 3, input: UInt16 = 5, output: UInt16 = 6
    static let payload: UInt16 = 10
  }

  /// - Parameter length: how many packets may wait in each queue; nil for the kernel's default.
  init(_ responses: [UInt16: [QueueResponse]], failOpen: Bool, length: UInt32?) throws(KernelError) {
    self.responses = responses
    guard !responses.isEmpty else { return }
    var socket = try NetlinkSocket(.netfilter, receiveBuffer: 8 << 20)
    for queue in responses.keys.sorted() {
      var bind = NetlinkMessage(subsystem: Message.subsystem, Message.configure, resource: queue)
      bind.add(Message.command, [Message.bind, 0, 0, 0])
      var mode = NetlinkMessage(subsystem: Message.subsystem, Message.configure, resource: queue)
      mode.add(Message.parameters, [0, 0, 0xFF, 0xFF, Message.copyPacket])
      if failOpen {
        mode.add(Message.mask, network32: Message.failOpen)
        mode.add(Message.flags, network32: Message.failOpen)
      }
      if let length { mode.add(Message.length, network32: length) }
      try socket.request([bind], what: "listening to queue \(queue)")
      try socket.request([mode], what: "listening to queue \(queue)")
    }
    self.socket = socket
  }

  mutating func close() { socket = nil }

  /// The packets queued since the last call.
  mutating func packets() throws(KernelError) -> [NetlinkQueuedPacket] {
    try socket?.receiveAll().compactMap { NetlinkQueues.packet($0) } ?? []
  }

  static func packet(_ message: NetlinkMessage) -> NetlinkQueuedPacket? {
    guard message.type == UInt16(Message.subsystem) << 8 | UInt16(Message.packet), let queue = message.body.uint16(at: 2) else {
      return nil
    }
    let attributes = message.attributes(from: 4)
    guard let header = attributes[Message.header], let identifier = header.uint32(at: 0), let hook = header.uint8(at: 6), hook < 5 else {
      return nil
    }
    return NetlinkQueuedPacket(
      queue: queue, identifier: identifier, hook: Int(hook), mark: attributes.network32(Message.mark) ?? 0,
      payload: attributes[Message.payload] ?? [], input: attributes.network32(Message.input),
      output: attributes.network32(Message.output))
  }

  /// The next verdict of a queue's listener; the last one repeats.
  mutating func nextResponse(of queue: UInt16) -> QueueResponse {
    guard let responses = responses[queue], !responses.isEmpty else { return QueueResponse() }
    let index = given[queue, default: 0]
    given[queue] = index + 1
    return responses[min(index, responses.count - 1)]
  }

  /// Gives a verdict. The packet continues before this returns. A held packet gets no verdict.
  mutating func answer(_ packet: NetlinkQueuedPacket, _ response: QueueResponse) throws(KernelError) {
    let verdict: UInt32
    switch response.verdict {
    case .hold: return
    case .drop: verdict = 0
    case .accept: verdict = 1
    case .repeat: verdict = 4
    case .queue(let number): verdict = UInt32(number) << 16 | 3
    }
    var message = NetlinkMessage(subsystem: Message.subsystem, Message.verdict, resource: packet.queue)
    var header: [UInt8] = []
    header.appendUInt32(verdict)
    header.appendUInt32(packet.identifier)
    message.add(Message.verdictHeader, header)
    if let mark = response.mark { message.add(Message.mark, network32: mark) }
    let changed: Packet?
    do throws(PacketFields.BuildError) {
      changed = try response.rewritten(Packet(bytes: packet.payload))
    } catch {
      throw KernelError(.malformed("the packet for queue \(packet.queue) cannot be built: \(error)"))
    }
    if let changed { message.add(Message.payload, changed.bytes) }
    try socket?.post(message)
  }
}
