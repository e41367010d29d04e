import Conntrack
import Wire
import XTables

/// What connection tracking knows of a packet, as fields of conditions. All but ``connectionState`` and
/// ``connectionExists`` are absent from a packet that has no connection.
extension Field {
  static let connectionState = Field("ct.state", bits: 9, .connectionState)
  static let connectionExists = Field("ct.exists", bits: 1, .connectionExists)
  /// 0 in the original direction, 1 in the reply direction.
  static let connectionDirection = Field("ct.direction", bits: 1, .connectionDirection)
  static let connectionProtocol = ofConnection("ct.protocol", bits: 8) { .of($0.original.proto.rawValue) }
  static let originalSource = ofConnection("ct.orig.src", bits: 128) { .value($0.original.sourceBits) }
  static let originalDestination = ofConnection("ct.orig.dst", bits: 128) { .value($0.original.destinationBits) }
  static let replySource = ofConnection("ct.reply.src", bits: 128) { .value($0.reply.sourceBits) }
  static let replyDestination = ofConnection("ct.reply.dst", bits: 128) { .value($0.reply.destinationBits) }
  static let originalSourcePort = ofConnection("ct.orig.sport", bits: 16) { .of($0.original.sourceID) }
  static let originalDestinationPort = ofConnection("ct.orig.dport", bits: 16) { .of($0.original.destinationID) }
  static let replySourcePort = ofConnection("ct.reply.sport", bits: 16) { .of($0.reply.sourceID) }
  static let replyDestinationPort = ofConnection("ct.reply.dport", bits: 16) { .of($0.reply.destinationID) }
  static let connectionStatus = Field("ct.status", bits: 16, .connectionStatus)
  /// Whole seconds; none before the first packet has left.
  static let connectionExpiry = Field("ct.expiry", bits: 32) { context in
    guard let handle = context.attachment.connection else { return .absent }
    if connection(context)?.isConfirmed == false { return .of(0) }
    return context.world.conntrack?.timeout(of: handle, now: context.world.instant).map { .of($0) } ?? .absent
  }
  static let connectionMark = Field("ct.mark", bits: 32, .connectionMark)

  private static func connection(_ context: PacketContext) -> Connection? {
    context.attachment.connection.flatMap { context.world.conntrack?[$0] }
  }

  private static func ofConnection(
    _ name: String, bits: Int, _ read: @escaping @Sendable (Connection) -> FieldValue
  ) -> Field {
    Field(name, bits: bits) { context in connection(context).map(read) ?? .absent }
  }
}
