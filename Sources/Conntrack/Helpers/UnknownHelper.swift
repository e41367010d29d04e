public import Netfilter
public import Wire

/// Stands for a helper of a listed connection that is not known here, such as one that a process registered (`nfct helper add`). What
/// it does with the packets of its connections is unknown.
public struct UnknownHelper: ConntrackHelper {
  /// The name by which `-m helper` refers to it.
  public let name: String
  /// The family whose packets it reads.
  public let family: Family
  /// The transport protocol of the connections it reads.
  public let proto: IPProtocol
  /// Never assigned automatically.
  public let port: UInt16 = 0
  /// It expects nothing that is known.
  public let policies = [ExpectationPolicy()]
  /// The most names of unknown helpers in one table.
  static let most = 256

  /// Reads a packet of a connection; see ``ConntrackHelper/help(_:at:_:)``. The outcome is undecided.
  public func help(_ packet: inout Packet, at offset: Int, _ call: HelperCall) -> NetfilterVerdict {
    call.table.noteUndecided("what the conntrack helper \(name) does, which is not known here")
    return .accept
  }
}

extension ConntrackCore {
  /// The helper of a listed connection; one that is not known is registered as an ``UnknownHelper``. Nil if there are too many.
  mutating func listedHelper(named name: String, _ family: Family, _ proto: IPProtocol) -> HelperID? {
    if let known = helper(named: name, family, proto) { return known }
    guard helpers.count < UnknownHelper.most else { return nil }
    return register(UnknownHelper(name: name, family: family, proto: proto))
  }
}

extension ConntrackTable {
  /// The names of the helpers of restored connections that are not known here, sorted.
  public var unknownHelperNames: [String] { Set(core.helpers.compactMap { ($0 as? UnknownHelper)?.name }).sorted() }
}
