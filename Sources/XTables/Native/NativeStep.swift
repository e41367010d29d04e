public import Wire

/// One step of a rule of nf_tables as iptables writes it: a test, or what a target does, without the registers.
///
/// iptables-nft writes some matches and targets in nf_tables' own expressions. The others are `match` and `target` expressions with the
/// structure of xtables.
public enum NativeStep: Sendable, Hashable {
  /// Compares a part of the packet or its metadata. The corresponding kernel expressions are `meta`, `payload`, `bitwise`, `cmp` and `range`.
  case test(NativeTest)
  /// A token bucket of `rate` packets in `unit` seconds. The corresponding kernel expression is `limit`.
  case limit(rate: UInt64, unit: UInt64, burst: UInt32)
  /// A copy of the packet to a netlink group. The corresponding kernel expression is `log`.
  case log(NativeLog)
  /// Sets metadata of the packet (`NFT_META_*`) to a constant. The corresponding kernel expressions are `immediate` and `meta`.
  case setMeta(key: UInt32, value: [UInt8])
}

/// A comparison with constants.
public struct NativeTest: Sendable, Hashable {
  /// What is compared.
  public enum Subject: Sendable, Hashable {
    /// Metadata, by its `NFT_META_*` number.
    case meta(UInt32)
    /// Bytes of a header. `base` is a `NFT_PAYLOAD_*_HEADER`; offset and length are in bytes.
    case payload(base: UInt32, offset: UInt32, length: UInt32)
    /// The connection, by an `NFT_CT_*` number. iptables writes no such test.
    case connection(UInt32)
    /// The type of the source or destination address by the host's routes, `RTN_*`. iptables writes no such test. The corresponding kernel
    /// expression is `fib`.
    case addressType(isSource: Bool)
  }

  /// How it is compared. The raw values are the kernel's `NFT_CMP_*`, and after them those of a range.
  public enum Comparison: UInt32, Sendable, Hashable {
    /// `NFT_CMP_EQ`.
    case equal
    /// `NFT_CMP_NEQ`.
    case unequal
    /// `NFT_CMP_LT`.
    case less
    /// `NFT_CMP_LTE`.
    case atMost
    /// `NFT_CMP_GT`.
    case greater
    /// `NFT_CMP_GTE`.
    case atLeast
    /// `NFT_RANGE_EQ`: from the value to the upper end.
    case inRange
    /// `NFT_RANGE_NEQ`.
    case outOfRange
  }

  /// What is compared.
  public var subject: Subject
  /// The bits that are compared; nil for all.
  public var mask: [UInt8]?
  /// How it is compared.
  public var comparison: Comparison
  /// The constant, or the lower end of the range, in network byte order for parts of the packet and in the machine's for metadata.
  public var value: [UInt8]
  /// The upper end of the range; empty for other comparisons.
  public var upper: [UInt8]

  /// Creates a test.
  public init(_ subject: Subject, mask: [UInt8]? = nil, _ comparison: Comparison, _ value: [UInt8], upper: [UInt8] = []) {
    self.subject = subject
    self.mask = mask
    self.comparison = comparison
    self.value = value
    self.upper = upper
  }

  /// The numbers `NFT_PAYLOAD_NETWORK_HEADER` and `NFT_PAYLOAD_TRANSPORT_HEADER`.
  public static let networkHeader: UInt32 = 1
  /// See ``networkHeader``.
  public static let transportHeader: UInt32 = 2

  /// True for equal and unequal.
  public var isEquality: Bool { comparison == .equal || comparison == .unequal }

  /// The value as one number, its first byte most significant; nil if it has another number of bytes than the type.
  @inlinable
  public func number<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Word? {
    guard value.count == Word.bitWidth / 8 else { return nil }
    var number: Word = 0
    for byte in value { number = number << 8 | Word(truncatingIfNeeded: byte) }
    return number
  }
}

/// The settings of a log expression. The corresponding kernel attributes are `NFTA_LOG_*`.
public struct NativeLog: Sendable, Hashable {
  /// The netlink group.
  public var group: UInt16
  /// The text of the message, without a NUL; empty for none.
  public var prefix: [UInt8]
  /// The number of bytes of the packet to copy; nil for the kernel's default.
  public var length: UInt32?
  /// The number of packets that are sent together; 0 for the kernel's default.
  public var threshold: UInt16

  /// Creates settings.
  public init(group: UInt16, prefix: [UInt8] = [], length: UInt32? = nil, threshold: UInt16 = 0) {
    self.group = group
    self.prefix = prefix
    self.length = length
    self.threshold = threshold
  }
}

/// The rule in which a step stands, as far as it was read.
public struct NativeSite: Sendable, Hashable {
  /// The family of the table.
  public let family: Family
  /// The protocol that an earlier test requires; nil if none does.
  public let protocolNumber: UInt8?

  /// Creates a site.
  public init(_ family: Family, protocolNumber: UInt8?) {
    self.family = family
    self.protocolNumber = protocolNumber
  }
}

/// The form of a match or target in expressions of nf_tables.
public struct NativeForm<Info: Sendable>: Sendable {
  /// Whether all steps of a rule that belong to the extension become one use of it.
  public let accumulates: Bool
  /// The steps that iptables-nft writes; nil if it writes this structure as bytes.
  let encode: @Sendable (Info) -> [NativeStep]?
  /// The structure with what a step says; nil if the step does not belong to the extension.
  let decode: @Sendable (NativeStep, NativeSite, Info) -> Info?

  /// Creates a form.
  ///
  /// - Parameters:
  ///   - encode: the steps of a structure; nil if the structure is written as bytes. By default no structure has steps.
  ///   - decode: adds what a step says to a structure; nil if the step does not belong to the extension.
  public init(
    accumulates: Bool = false, encode: @escaping @Sendable (Info) -> [NativeStep]? = { _ in nil },
    decode: @escaping @Sendable (NativeStep, NativeSite, Info) -> Info?
  ) {
    self.accumulates = accumulates
    self.encode = encode
    self.decode = decode
  }

  /// The steps that iptables-nft writes for a structure; nil if it writes the structure as bytes.
  public func steps(_ info: Info) -> [NativeStep]? { encode(info) }
}

/// A type-erased ``NativeForm``.
public struct NativeFormDescriptor: Sendable {
  /// Whether all steps of a rule that belong to the extension become one use of it.
  public let accumulates: Bool
  /// The steps of a payload; nil if it is written as bytes.
  public let encode: @Sendable ([UInt8]) -> [NativeStep]?
  /// The payload with what a step says; nil if the step does not belong to the extension.
  public let decode: @Sendable (NativeStep, NativeSite, [UInt8]) -> [UInt8]?

  init<Info: BitwiseCopyable & Sendable>(_ form: NativeForm<Info>) {
    accumulates = form.accumulates
    encode = { payload in Payload.load(Info.self, from: payload).flatMap(form.encode) }
    decode = { step, site, payload in
      guard let info = Payload.load(Info.self, from: payload), let changed = form.decode(step, site, info) else { return nil }
      var payload = payload
      Payload.store(changed, in: &payload, at: 0)
      return payload
    }
  }
}
