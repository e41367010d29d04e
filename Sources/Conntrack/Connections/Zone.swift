/// A conntrack zone: tuples of different zones are never equal. Kernel: `nf_conntrack_zone`.
public struct Zone: Sendable, Hashable {
  /// The directions in which the zone applies; the other direction is in zone 0.
  public struct Directions: OptionSet, Sendable, Hashable {
    /// The bits.
    public var rawValue: UInt8
    /// Creates a set of directions from its bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The direction that opened the connection.
    public static let original = Directions(rawValue: 1)
    /// The reply direction.
    public static let reply = Directions(rawValue: 2)
    /// Both directions.
    public static let both: Directions = [.original, .reply]
  }

  /// The zone's number; 0 is the default zone.
  public var id: UInt16
  /// The directions in which the zone applies.
  public var directions: Directions

  /// Creates a zone.
  @inlinable public init(_ id: UInt16, _ directions: Directions = .both) {
    self.id = id
    self.directions = directions
  }

  /// Zone 0 in both directions.
  public static let `default` = Zone(0)

  /// The zone number of a direction's tuple. The corresponding kernel function is `nf_ct_zone_id`.
  @inlinable public func id(_ direction: Direction) -> UInt16 {
    directions.rawValue >> direction.rawValue & 1 == 1 ? id : 0
  }
}
