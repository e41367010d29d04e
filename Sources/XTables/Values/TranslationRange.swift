import Wire

/// How a NAT target chooses addresses and ports; the bits of `nf_nat_range2.flags`.
public struct TranslationFlags: OptionSet, BitwiseCopyable, Sendable, Hashable {
  /// The kernel's bits.
  public let rawValue: UInt32

  /// Creates a set from the kernel's bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `NF_NAT_RANGE_MAP_IPS`: the address is chosen from the range.
  public static let addresses = TranslationFlags(rawValue: 0x01)
  /// `NF_NAT_RANGE_PROTO_SPECIFIED`: the port is chosen from the range.
  public static let ports = TranslationFlags(rawValue: 0x02)
  /// `NF_NAT_RANGE_PROTO_RANDOM` (`--random`): the port is chosen at random, even if the original one is free.
  public static let random = TranslationFlags(rawValue: 0x04)
  /// `NF_NAT_RANGE_PERSISTENT`: a client gets the same address for every destination.
  public static let persistent = TranslationFlags(rawValue: 0x08)
  /// `NF_NAT_RANGE_PROTO_RANDOM_FULLY` (`--random-fully`): the port is chosen at random, even if the original one is free.
  public static let randomFully = TranslationFlags(rawValue: 0x10)
  /// `NF_NAT_RANGE_PROTO_OFFSET`: the offset of the port from the base port is kept.
  public static let portOffset = TranslationFlags(rawValue: 0x20)
}

/// The addresses and ports that a NAT target may choose. The corresponding kernel structure is `nf_nat_range2`.
public struct TranslationRange: BitwiseCopyable, Sendable, Hashable {
  /// Which parts of the range are set, and how to choose.
  public var flags: TranslationFlags = []
  /// The first address of the range.
  public var firstAddress = InetAddress()
  /// The last address of the range.
  public var lastAddress = InetAddress()
  /// The first port of the range.
  public var firstPort = NetworkOrder<UInt16>()
  /// The last port of the range.
  public var lastPort = NetworkOrder<UInt16>()
  /// The port that corresponds to `firstPort` with ``TranslationFlags/portOffset``.
  public var basePort = NetworkOrder<UInt16>()

  /// Creates an empty range.
  public init() {}
}

/// A range without a base port. The corresponding kernel structure is `nf_nat_range`.
public struct BaselessTranslationRange: BitwiseCopyable, Sendable, Hashable {
  private var flags: TranslationFlags = []
  private var firstAddress = InetAddress()
  private var lastAddress = InetAddress()
  private var firstPort = NetworkOrder<UInt16>()
  private var lastPort = NetworkOrder<UInt16>()

  /// Creates an empty range.
  public init() {}
}

/// A range for IPv4 only, as a list that always has one element. The corresponding kernel structure is
/// `nf_nat_ipv4_multi_range_compat`.
public struct IPv4TranslationRange: BitwiseCopyable, Sendable, Hashable {
  /// The number of ranges; the kernel accepts only 1.
  public var count: UInt32 = 1
  private var flags: TranslationFlags = []
  private var firstAddress = NetworkOrder<UInt32>()
  private var lastAddress = NetworkOrder<UInt32>()
  private var firstPort = NetworkOrder<UInt16>()
  private var lastPort = NetworkOrder<UInt16>()

  /// Creates an empty range.
  public init() {}
}

/// A structure that stores a ``TranslationRange`` or a part of it.
public protocol TranslationRangeHolder: BitwiseCopyable, Sendable {
  /// Creates an empty range.
  init()
  /// The range; parts that the structure does not store are empty.
  var range: TranslationRange { get set }
}

extension TranslationRangeHolder {
  /// Creates a structure from a range. Parts that the structure does not store are lost.
  public init(_ range: TranslationRange) {
    self.init()
    self.range = range
  }
}

extension TranslationRange: TranslationRangeHolder {
  /// The range itself.
  public var range: TranslationRange {
    get { self }
    set { self = newValue }
  }
}

extension BaselessTranslationRange: TranslationRangeHolder {
  /// The range with an empty base port.
  public var range: TranslationRange {
    get {
      var range = TranslationRange()
      range.flags = flags
      (range.firstAddress, range.lastAddress) = (firstAddress, lastAddress)
      (range.firstPort, range.lastPort) = (firstPort, lastPort)
      return range
    }
    set {
      flags = newValue.flags
      (firstAddress, lastAddress) = (newValue.firstAddress, newValue.lastAddress)
      (firstPort, lastPort) = (newValue.firstPort, newValue.lastPort)
    }
  }
}

extension IPv4TranslationRange: TranslationRangeHolder {
  /// The range with IPv4 addresses and an empty base port.
  public var range: TranslationRange {
    get {
      var range = TranslationRange()
      range.flags = flags
      range.firstAddress = InetAddress(UInt128(firstAddress.value), .ipv4)
      range.lastAddress = InetAddress(UInt128(lastAddress.value), .ipv4)
      (range.firstPort, range.lastPort) = (firstPort, lastPort)
      return range
    }
    set {
      flags = newValue.flags
      firstAddress.value = UInt32(truncatingIfNeeded: newValue.firstAddress.bits(.ipv4))
      lastAddress.value = UInt32(truncatingIfNeeded: newValue.lastAddress.bits(.ipv4))
      (firstPort, lastPort) = (newValue.firstPort, newValue.lastPort)
    }
  }
}
