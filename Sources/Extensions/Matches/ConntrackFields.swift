import Conntrack
import Wire
import XTables

/// The connection tracking data of a packet, as fields of conditions. All except ``connectionState`` and
/// ``connectionExists`` are absent if the packet has no connection.
extension Field {
  static let connectionState = Field(
    "ct.state", bits: 9, .connectionState,
    FieldTraits(.context, .value, form: .flags(stateNames), values: .ranges(states.map { $0...$0 })))

  private static let stateNames: KeyValuePairs<UInt128, String> = [
    0x001: "INVALID", 0x002: "ESTABLISHED", 0x004: "RELATED", 0x008: "NEW", 0x040: "SNAT", 0x080: "DNAT", 0x100: "UNTRACKED",
  ]
  /// The possible values: one of the states and, for a packet with a connection, the NAT bits.
  private static let states: [UInt128] =
    ([0x001, 0x100] + [0x002, 0x004, 0x008].flatMap { state in [0, 0x040, 0x080, 0x0c0].map { state | $0 } }).sorted()
  /// The state in the bits of nf_tables: without those of NAT, and with `NF_CT_STATE_UNTRACKED_BIT`.
  ///
  /// The corresponding kernel function is `nft_ct_get_eval`.
  static let nativeConnectionState = Field("ct.state.native", bits: 32, FieldTraits(.context, .value)) { context in
    guard case .value(let state) = connectionState.read(&context) else { return .absent }
    return .value(state & 0x00f | (state & 0x100 != 0 ? 0x040 : 0))
  }
  static let connectionExists = Field("ct.exists", bits: 1, .connectionExists, FieldTraits(.context, .value))
  /// 0 in the original direction, 1 in the reply direction.
  static let connectionDirection = Field(
    "ct.direction", bits: 1, .connectionDirection, FieldTraits(.context, ofConnection, form: .names([0: "ORIGINAL", 1: "REPLY"])))
  static let connectionProtocol = ofConnection("ct.protocol", bits: 8) { .of($0.original.proto.rawValue) }
  static let originalSource = ofConnection("ct.orig.src", bits: 128) { .value($0.original.sourceBits) }
  static let originalDestination = ofConnection("ct.orig.dst", bits: 128) { .value($0.original.destinationBits) }
  static let replySource = ofConnection("ct.reply.src", bits: 128) { .value($0.reply.sourceBits) }
  static let replyDestination = ofConnection("ct.reply.dst", bits: 128) { .value($0.reply.destinationBits) }
  static let originalSourcePort = ofConnection("ct.orig.sport", bits: 16) { .of($0.original.sourceID) }
  static let originalDestinationPort = ofConnection("ct.orig.dport", bits: 16) { .of($0.original.destinationID) }
  static let replySourcePort = replyPort("ct.reply.sport", \.sourceID, \.destination)
  static let replyDestinationPort = replyPort("ct.reply.dport", \.destinationID, \.source)
  static let connectionStatus = Field(
    "ct.status", bits: 16, .connectionStatus,
    FieldTraits(.context, ofConnection, form: .flags([0x1: "EXPECTED", 0x2: "SEEN_REPLY", 0x4: "ASSURED", 0x8: "CONFIRMED"])))
  /// Whole seconds until expiry; absent before the connection is confirmed.
  static let connectionExpiry = Field("ct.expiry", bits: 32, FieldTraits(.unsteady, ofConnection)) { context in
    guard let handle = context.attachment.connection else { return context.attachment.template == nil ? .absent : .of(0) }
    if connection(context)?.isConfirmed == false { return .of(0) }
    return context.world.conntrack?.timeout(of: handle, now: context.world.instant).map { .of($0) } ?? .absent
  }
  static let connectionMark = Field("ct.mark", bits: 32, .connectionMark, FieldTraits(.context, ofConnection, form: .hexadecimal))

  private static let ofConnection: FieldOutcomes = [.value, .absent]

  /// The fields of a connection that NAT setup changes, apart from the packet's own fields, and from the bits of the state that say so.
  static let translation: [Field] = [
    connectionStatus, replySource, replyDestination, replySourcePort, replyDestinationPort,
  ]

  /// The fields besides the state that a packet has from a template, until it is tracked.
  static let template: [Field] = [
    connectionExists, connectionDirection, connectionProtocol, originalSource, originalDestination, replySource, replyDestination,
    originalSourcePort, originalDestinationPort, replySourcePort, replyDestinationPort, connectionStatus, connectionExpiry, connectionMark,
  ]

  private static func connection(_ context: PacketContext) -> Connection? {
    context.attachment.connection.flatMap { context.world.conntrack?[$0] }
  }

  /// A port of the reply direction. NAT may have chosen it by chance.
  ///
  /// - Parameter drawn: the same port of packets of the original direction after NAT.
  private static func replyPort(
    _ name: String, _ port: any KeyPath<Tuple, UInt16> & Sendable, _ drawn: any KeyPath<DrawnPorts, ClosedRange<UInt16>?> & Sendable
  ) -> Field {
    Field(name, bits: 16, FieldTraits(.context, [.value, .absent, .unknown])) { context in
      guard let connection = connection(context) else { return context.attachment.template == nil ? .absent : .of(0) }
      if context.lacks(.chance), let handle = context.attachment.connection,
        context.world.conntrack?.drawnPorts(of: handle)[keyPath: drawn] != nil
      {
        return .unknown(PacketContext.drawnPort)
      }
      return .of(connection.reply[keyPath: port])
    }
  }

  private static func ofConnection(
    _ name: String, bits: Int, _ read: @escaping @Sendable (Connection) -> FieldValue
  ) -> Field {
    Field(name, bits: bits, FieldTraits(.context, ofConnection)) { context in
      // All fields of a template are 0.
      connection(context).map(read) ?? (context.attachment.template == nil ? .absent : .of(0))
    }
  }
}
