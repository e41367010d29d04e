import Conntrack
import Wire
import XTables

/// What connection tracking knows of a packet, as fields of conditions. All but ``connectionState`` and
/// ``connectionExists`` are absent from a packet that has no connection.
extension Field {
  /// One of the bits of ``ConntrackState``, and with it those that tell of address translation.
  static let connectionState = Field("ct.state", bits: 9) { context in
    switch context.attachment {
    case .none: .of(ConntrackState.invalid)
    case .untracked: .of(ConntrackState.untracked)
    }
  }
  static let connectionExists = Field("ct.exists", bits: 1) { _ in .of(0) }
  /// 0 in the original direction, 1 in the reply direction.
  static let connectionDirection = ofConnection("ct.direction", bits: 1)
  static let connectionProtocol = ofConnection("ct.protocol", bits: 8)
  static let originalSource = ofConnection("ct.orig.src", bits: 128)
  static let originalDestination = ofConnection("ct.orig.dst", bits: 128)
  static let replySource = ofConnection("ct.reply.src", bits: 128)
  static let replyDestination = ofConnection("ct.reply.dst", bits: 128)
  static let originalSourcePort = ofConnection("ct.orig.sport", bits: 16)
  static let originalDestinationPort = ofConnection("ct.orig.dport", bits: 16)
  static let replySourcePort = ofConnection("ct.reply.sport", bits: 16)
  static let replyDestinationPort = ofConnection("ct.reply.dport", bits: 16)
  static let connectionStatus = ofConnection("ct.status", bits: 16)
  /// Whole seconds.
  static let connectionExpiry = ofConnection("ct.expiry", bits: 32)
  static let connectionMark = ofConnection("ct.mark", bits: 32)

  private static func ofConnection(_ name: String, bits: Int) -> Field { Field(name, bits: bits) { _ in .absent } }
}
