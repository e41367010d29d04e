import Wire

/// What a NAT target may do with addresses and ports; the bits of `nf_nat_range2.flags`.
public struct TranslationFlags: OptionSet, BitwiseCopyable, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `NF_NAT_RANGE_MAP_IPS`: an address of the range is taken.
  public static let addresses = TranslationFlags(rawValue: 0x01)
  /// `NF_NAT_RANGE_PROTO_SPECIFIED`: a port of the range is taken.
  public static let ports = TranslationFlags(rawValue: 0x02)
  /// `NF_NAT_RANGE_PROTO_RANDOM`.
  public static let random = TranslationFlags(rawValue: 0x04)
  /// `NF_NAT_RANGE_PERSISTENT`: a client gets the same address for every destination.
  public static let persistent = TranslationFlags(rawValue: 0x08)
  /// `NF_NAT_RANGE_PROTO_RANDOM_FULLY`.
  public static let randomFully = TranslationFlags(rawValue: 0x10)
  /// `NF_NAT_RANGE_PROTO_OFFSET`: the port keeps its distance from the base port.
  public static let portOffset = TranslationFlags(rawValue: 0x20)
}

/// The addresses and ports a NAT target may give. The corresponding kernel structure is `nf_nat_range2`.
public struct TranslationRange: BitwiseCopyable, Sendable, Hashable {
  public var flags: TranslationFlags = []
  public var firstAddress = InetAddress()
  public var lastAddress = InetAddress()
  public var firstPort = NetworkOrder<UInt16>()
  public var lastPort = NetworkOrder<UInt16>()
  public var basePort = NetworkOrder<UInt16>()

  public init() {}
}

/// The same without a base port. The corresponding kernel structure is `nf_nat_range`.
public struct BaselessTranslationRange: BitwiseCopyable, Sendable, Hashable {
  private var flags: TranslationFlags = []
  private var firstAddress = InetAddress()
  private var lastAddress = InetAddress()
  private var firstPort = NetworkOrder<UInt16>()
  private var lastPort = NetworkOrder<UInt16>()

  public init() {}
}

/// The same for IPv4 alone, as a list that always has one element. The corresponding kernel structure is
/// `nf_nat_ipv4_multi_range_compat`.
public struct IPv4TranslationRange: BitwiseCopyable, Sendable, Hashable {
  /// The kernel takes no number but one.
  public var count: UInt32 = 1
  private var flags: TranslationFlags = []
  private var firstAddress = NetworkOrder<UInt32>()
  private var lastAddress = NetworkOrder<UInt32>()
  private var firstPort = NetworkOrder<UInt16>()
  private var lastPort = NetworkOrder<UInt16>()

  public init() {}
}

/// A structure that holds a ``TranslationRange``, wholly or in part.
public protocol TranslationRangeHolder: BitwiseCopyable, Sendable {
  init()
  var range: TranslationRange { get set }
}

extension TranslationRangeHolder {
  public init(_ range: TranslationRange) {
    self.init()
    self.range = range
  }
}

extension TranslationRange: TranslationRangeHolder {
  public var range: TranslationRange {
    get { self }
    set { self = newValue }
  }
}

extension BaselessTranslationRange: TranslationRangeHolder {
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
