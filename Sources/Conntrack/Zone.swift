/// A conntrack zone: connections of different zones never meet, even with equal tuples. Kernel: `nf_conntrack_zone`.
public struct Zone: Sendable, Hashable {
  /// The directions in which the zone counts; in the other one the connection lives in zone 0.
  public struct Directions: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let original = Directions(rawValue: 1)
    public static let reply = Directions(rawValue: 2)
    public static let both: Directions = [.original, .reply]
  }

  public var id: UInt16
  public var directions: Directions

  @inlinable public init(_ id: UInt16, _ directions: Directions = .both) {
    self.id = id
    self.directions = directions
  }

  public static let `default` = Zone(0)

  /// The number that counts for tuples of a direction. The corresponding kernel function is `nf_ct_zone_id`.
  @inlinable public func id(_ direction: Direction) -> UInt16 {
    directions.rawValue >> direction.rawValue & 1 == 1 ? id : 0
  }
}
