public import Wire

/// Names an expectation of one table.
public struct ExpectationHandle: Sendable, Hashable {
  let index: UInt32
  let generation: UInt32
}

/// A connection that a helper expects. Kernel: `nf_conntrack_expect`.
public struct Expectation: Sendable {
  /// The kernel's `NF_CT_EXPECT_*`.
  public struct Flags: OptionSet, Sendable, Hashable {
    /// The bits.
    public var rawValue: UInt32
    /// Creates flags from the kernel's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// `NF_CT_EXPECT_PERMANENT`: the expectation stays after a connection fulfilled it.
    public static let permanent = Flags(rawValue: 1)
    /// `NF_CT_EXPECT_INACTIVE`: ignored until the helper sees a reply.
    public static let inactive = Flags(rawValue: 2)
    /// `NF_CT_EXPECT_USERSPACE`: made by a helper in user space.
    public static let userspace = Flags(rawValue: 4)

    /// The names of those that are set, as `conntrack -L expect` prints them.
    public var names: [String] {
      let all: [(Flags, String)] = [(.permanent, "PERMANENT"), (.inactive, "INACTIVE"), (.userspace, "USERSPACE")]
      return all.filter { contains($0.0) }.map(\.1)
    }
  }

  /// The tuple of the connection's first packet.
  public var tuple: Tuple
  /// The bits of the tuple's source address that must be equal. The destination must be equal in all bits.
  public var sourceMask: UInt128
  /// The bits of the tuple's source port that must be equal.
  public var sourceIDMask: UInt16
  /// The connection whose helper added the expectation.
  public var master: ConnectionHandle
  /// The helper that made it.
  public var maker: HelperID?
  /// The helper to assign to the new connection.
  public var helper: HelperID?
  /// Whether it is permanent, inactive, or made by a program in user space.
  public var flags: Flags
  /// The class of the helper's policy that limits it.
  public var policyClass: Int
  /// The function to run on the new connection.
  public var function: ExpectationFunction?
  /// For NAT: the address that the payload named before NAT replaced it.
  public var savedAddress: UInt128 = 0
  /// The port or identifier that NAT replaced, in the expected tuple.
  public var savedID: UInt16 = 0
  /// The direction of the master in which the expected connection will be opened.
  public var direction: Direction = .original
  var expiry: Instant = Instant(nanoseconds: 0)

  /// An expectation of packets from `source` (nil for any) and `sourceID` (nil for any) to a destination.
  /// The corresponding kernel function is `nf_ct_expect_init`.
  public init(
    master: ConnectionHandle, proto: IPProtocol, source: IPAddress?, sourceID: UInt16?, destination: IPAddress,
    destinationID: UInt16, policyClass: Int = 0, maker: HelperID? = nil
  ) {
    tuple = Tuple(
      family: destination.family, proto: proto, sourceBits: source?.bits ?? 0, sourceID: sourceID ?? 0,
      destinationBits: destination.bits, destinationID: destinationID)
    sourceMask = source == nil ? 0 : destination.family == .ipv4 ? UInt128(UInt32.max) : .max
    sourceIDMask = sourceID == nil ? 0 : .max
    self.master = master
    self.policyClass = policyClass
    self.maker = maker
    flags = []
  }

  /// The bits of the tuple that must be equal, in the form of a tuple.
  public var mask: Tuple {
    var mask = tuple
    mask.sourceBits = sourceMask
    mask.sourceID = sourceIDMask
    mask.destinationBits = tuple.family == .ipv4 ? UInt128(UInt32.max) : .max
    mask.destinationID = .max
    return mask
  }

  /// The corresponding kernel function is `nf_ct_tuple_mask_cmp`.
  func matches(_ other: Tuple) -> Bool {
    tuple.destinationBits == other.destinationBits && tuple.destinationID == other.destinationID
      && tuple.proto == other.proto && tuple.family == other.family
      && (tuple.sourceBits ^ other.sourceBits) & sourceMask == 0
      && (tuple.sourceID ^ other.sourceID) & sourceIDMask == 0
  }
}

/// What happens to an expected connection when its first packet comes.
public enum ExpectationFunction: String, Sendable, Hashable {
  /// Translates the connection as its master. Kernel: `nf_nat_follow_master`.
  case natFollowMaster = "nat-follow-master"
  case natSIP = "sip"
  case natPPTP = "pptp"
  case pptp = "pptp-expectfn"
  case natQ931 = "Q.931"
  case natCallForwarding = "callforwarding"

  /// True if listings show the function: the kernel registers it as `nf_ct_helper_expectfn`.
  public var isRegistered: Bool { self != .pptp && self != .natPPTP }
}

/// All data of an expectation at one instant.
public struct ExpectationSnapshot: Sendable {
  /// The expectation.
  public var expectation: Expectation
  /// The master's original tuple.
  public var master: Tuple?
  /// Whole seconds left.
  public var timeout: UInt32
  /// The name of the helper that made it.
  public var helper: String?
}
