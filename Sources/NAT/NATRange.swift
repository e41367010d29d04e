import Conntrack
public import Netfilter
public import Wire

/// The end of a connection that a translation changes. Kernel: `nf_nat_manip_type`.
public enum Manip: UInt8, Sendable, Hashable {
  case source = 0
  case destination = 1

  /// The end that NAT changes at a hook: the source at POSTROUTING and INPUT, the destination elsewhere.
  /// The corresponding kernel macro is `HOOK2MANIP`.
  public init(_ hook: Hook) { self = hook == .postrouting || hook == .input ? .source : .destination }

  /// The other end.
  public var opposite: Manip { self == .source ? .destination : .source }
  var status: ConnectionStatus { self == .source ? .sourceNAT : .destinationNAT }
  /// The status of a connection whose packets of a direction have this end changed.
  func status(_ direction: Direction) -> ConnectionStatus { direction == .original ? status : opposite.status }
  var doneStatus: ConnectionStatus { self == .source ? .sourceNATDone : .destinationNATDone }
  var end: Packet.End { self == .source ? .source : .destination }
}

/// The addresses and ports to which a connection may be translated. Kernel: `nf_nat_range2`.
public struct NATRange: Sendable, Hashable {
  /// Numbered as the kernel's `NF_NAT_RANGE_*`.
  public struct Flags: OptionSet, Sendable, Hashable {
    /// The bits, as `struct nf_nat_range2` holds them.
    public var rawValue: UInt32
    /// Creates flags from the kernel's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// `NF_NAT_RANGE_MAP_IPS`: addresses are chosen from the range.
    public static let mapAddresses = Flags(rawValue: 1 << 0)
    /// `NF_NAT_RANGE_PROTO_SPECIFIED`: ports are chosen from the range.
    public static let protocolSpecified = Flags(rawValue: 1 << 1)
    /// `NF_NAT_RANGE_PROTO_RANDOM`: ports are chosen at random.
    public static let protocolRandom = Flags(rawValue: 1 << 2)
    /// `NF_NAT_RANGE_PERSISTENT`: the address depends on the source alone.
    public static let persistent = Flags(rawValue: 1 << 3)
    /// `NF_NAT_RANGE_PROTO_RANDOM_FULLY`: ports are chosen at random without a hash.
    public static let protocolRandomFully = Flags(rawValue: 1 << 4)
    /// `NF_NAT_RANGE_PROTO_OFFSET`: ports are shifted by `minimumID - baseID`.
    public static let protocolOffset = Flags(rawValue: 1 << 5)
    /// `NF_NAT_RANGE_NETMAP`: host bits are kept, network bits replaced.
    public static let netmap = Flags(rawValue: 1 << 6)
    static let protocolRandomAll: Flags = [.protocolRandom, .protocolRandomFully]
  }

  /// The parts of the range that are used, and how.
  public var flags: Flags
  /// The addresses, both inclusive, of the connection's family. Ignored without `mapAddresses`.
  public var addresses: ClosedRange<UInt128>
  /// The first port, ICMP identifier or GRE key, inclusive. Ignored without `protocolSpecified`.
  public var minimumID: UInt16
  /// The last port, ICMP identifier or GRE key, inclusive.
  public var maximumID: UInt16
  /// With `protocolOffset`: the port that is mapped to `minimumID`.
  public var baseID: UInt16

  /// Creates a range; parameters as the properties of the same names.
  public init(
    flags: Flags = [], addresses: ClosedRange<UInt128> = 0...0, minimumID: UInt16 = 0, maximumID: UInt16 = 0, baseID: UInt16 = 0
  ) {
    self.flags = flags
    self.addresses = addresses
    self.minimumID = minimumID
    self.maximumID = maximumID
    self.baseID = baseID
  }

  /// Creates a range of one address; ports are kept.
  public init(address: IPAddress) {
    self.init(flags: .mapAddresses, addresses: address.bits...address.bits)
  }

  /// Creates a range of one address and one port.
  init(address: IPAddress, port: UInt16) {
    self.init(flags: [.mapAddresses, .protocolSpecified], addresses: address.bits...address.bits, minimumID: port, maximumID: port)
  }

  /// The same range with its addresses replaced by one, for MASQUERADE and REDIRECT.
  public func to(_ address: IPAddress) -> NATRange {
    var range = self
    range.flags.insert(.mapAddresses)
    range.addresses = address.bits...address.bits
    return range
  }

  /// The range for NETMAP: one address with the network part of this range's first address and the host part of `address`. The
  /// network part is the bits in which the range's ends agree. The corresponding kernel function is `netmap_tg4`.
  public func netmapped(_ address: IPAddress) -> NATRange {
    let mask = ~(addresses.lowerBound ^ addresses.upperBound)
    let mapped = address.bits & ~mask | addresses.lowerBound & mask
    return to(IPAddress(family: address.family, bits: mapped))
  }
}
