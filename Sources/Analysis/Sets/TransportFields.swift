import Wire
import XTables

/// Fields of the analysis that no match tests by name: on them depends whether the fields of a transport header can be read.
extension Field {
  /// The bytes of the packet from its transport header on, at most 255.
  static let transportRoom = Field("transport.room", bits: 8, FieldTraits(.bytes, .value)) { context in
    .of(min(max(context.packet.bytes.count - (context.packet.transport?.offset ?? 0), 0), 255))
  }

  /// Whether a later fragment begins at byte 8, so that it would overwrite the flags of TCP.
  static let overwritesHeader = Field("transport.overwrites", bits: 1, FieldTraits(.bytes, .value)) { context in
    .of(context.packet.transport?.fragmentOffset == 8 && context.family == .ipv4)
  }
}
