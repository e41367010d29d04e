internal import Kernel
internal import Lab
internal import Notation
internal import Wire

/// Sends a packet from a local process.
enum LocalSending {
  /// The result: the error's name if sending failed, and the socket if the scenario names it, or if it stays open until the packet has left all
  /// queues.
  struct Outcome {
    var injection: LabInjection
    var errno: String?
    var kept: NamespaceSocket?
  }

  static func send(_ packet: Packet, _ spec: PacketSpec, by sender: ScenarioStep.LocalSender) throws(KernelError) -> Outcome {
    guard let family = packet.family, let destination = packet.destination else {
      throw KernelError(.malformed("a packet without addresses cannot be sent from this host"))
    }
    // Control groups belong to the machine, which a test must not change.
    if let cgroup = sender.cgroup { throw KernelError(.malformed("a process in the control group \(cgroup) cannot be created here")) }
    let kind: NamespaceSocket.Kind =
      switch sender.way {
      case .raw: .raw
      case .udp: .udp
      case .tcp: .tcp
      case .ping: .ping
      }
    let socket = try NamespaceSocket(kind, family, owner: NamespaceSocket.Owner(uid: sender.uid, gid: sender.gid, groups: sender.groups))
    if sender.mark != 0 { try socket.set(.mark, sender.mark) }
    if sender.mayBroadcast { try socket.set(.broadcast) }
    if let priority = sender.priority { try socket.set(.priority, priority) }
    if let device = sender.device { try socket.bind(toDevice: device) }
    var outcome = Outcome(injection: sender.way == .raw ? .raw(packet.bytes) : .way(sender.way.rawValue))
    switch sender.way {
    case .raw:
      outcome.errno = socket.send(packet.bytes, to: (destination, 0))?.name
    case .udp, .tcp, .ping:
      outcome.errno = try send(spec, over: socket, to: destination)
    }
    // Closing a stream sends packets, which belong to this step.
    if sender.name != nil || sender.way != .tcp { outcome.kept = socket }
    return outcome
  }

  /// Sends through an ordinary socket; the kernel builds the headers from the specified addresses and ports.
  private static func send(_ spec: PacketSpec, over socket: NamespaceSocket, to destination: IPAddress) throws(KernelError) -> String? {
    guard case .fields(let fields) = spec.content else {
      throw KernelError(.malformed("only raw sockets send packets that are given as bytes"))
    }
    switch socket.kind {
    case .tcp:
      try bind(socket, fields)
      return socket.connect(destination, port: fields.destinationPort)?.name
    case .udp:
      try bind(socket, fields)
      return socket.send(fields.payload, to: (destination, fields.destinationPort))?.name
    case .ping, .raw:
      try socket.bind(fields.source, port: 0)
      // The kernel fills in the identifier and the checksum.
      var echo: [UInt8] = [fields.icmpType ?? (socket.family == .ipv4 ? 8 : 128), 0, 0, 0, 0, 0]
      echo.appendUInt16(fields.icmpSequence)
      return socket.send(echo + fields.payload, to: (destination, 0))?.name
    }
  }

  private static func bind(_ socket: NamespaceSocket, _ fields: PacketFields) throws(KernelError) {
    try socket.set(.reuseAddress)
    try socket.bind(fields.source, port: fields.sourcePort)
  }
}
