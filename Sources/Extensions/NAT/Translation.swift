import XTables

/// What the NAT targets have in common.
extension TranslationRangeHolder {
  /// The kernel refuses an address where the target chooses it itself.
  func checkNoAddresses(_ target: String) throws(OptionError) {
    if range.flags.contains(.addresses) { throw .kernel("\(target): takes no address") }
  }

  /// And an address is needed where it does not.
  func checkAddresses(_ target: String) throws(OptionError) {
    if !range.flags.contains(.addresses) { throw .kernel("\(target): needs an address") }
  }

  /// A base port needs a revision that only DNAT has.
  func refuseBasePort() throws(OptionError) {
    guard range.flags.contains(.portOffset) else { return }
    throw OptionError("bad-value", "Shifted portmap ranges not supported with this kernel", hint: "leave out /base")
  }
}

extension IPv4TranslationRange {
  func checkCount(_ target: String) throws(OptionError) {
    if count != 1 { throw .kernel("\(target): multiple ranges are not supported") }
  }
}

extension Layout where Info: TranslationRangeHolder {
  /// A revision with another structure for the same range.
  static func translation<Old: TranslationRangeHolder>(revision: UInt8, _: Old.Type, abiSize: Int) -> Layout {
    Layout(
      revision: revision, Old.self, abiSize: abiSize, upgrade: { Info($0.range) }, downgrade: { Old($0.range) })
  }
}

/// What the NAT targets do to a packet's connection.
enum Translation {
  private static let unknown = TargetOutcome.unknown(UnknownReason("address translation", needs: "connection tracking"))

  static func source(_ range: TranslationRange, of packet: inout PacketContext) -> TargetOutcome { unknown }

  static func destination(_ range: TranslationRange, of packet: inout PacketContext) -> TargetOutcome { unknown }

  static func masquerade(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome { unknown }

  static func redirect(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome { unknown }

  static func map(_ range: TranslationRange, _ packet: inout PacketContext) -> TargetOutcome { unknown }
}
