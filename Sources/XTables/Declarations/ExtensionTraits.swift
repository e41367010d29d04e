/// Properties of a match or target, whatever its options, on which programs around the language depend.
public struct ExtensionTraits: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt8

  /// Creates a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Has no effect on packets. Its structure begins with the text of the remark, which ends in a NUL.
  public static let remark = ExtensionTraits(rawValue: 1)
  /// The kernel refuses it in a user namespace other than the initial one.
  public static let initialUsersOnly = ExtensionTraits(rawValue: 2)
  /// Depends on the whole machine or its timers, so that a test in a network namespace cannot determine it.
  public static let machineWide = ExtensionTraits(rawValue: 4)
  /// Compares bytes of the packet with bytes in the rule, in which addresses cannot be recognised.
  public static let comparesBytes = ExtensionTraits(rawValue: 8)
  /// Removes finished connections from its list at most once in a clock tick.
  public static let collectsOnceATick = ExtensionTraits(rawValue: 16)
  /// Reads the time of day.
  public static let readsClock = ExtensionTraits(rawValue: 32)
  /// Looks up or changes ipsets.
  public static let usesAddressSets = ExtensionTraits(rawValue: 64)
  /// Answers for a server; the kernel sends events of its own for a connection from the loopback interface.
  public static let proxies = ExtensionTraits(rawValue: 128)
}

/// What a rule needs from programs and files outside the kernel, or sends to them.
public enum HostUse: Sendable, Hashable {
  /// Passes packets to one of these queues of user space. A packet is dropped if no program listens to its queue, unless `bypasses`.
  case queues(ClosedRange<UInt16>, bypasses: Bool)
  /// Sends copies of packets to a netlink group.
  case logGroup(UInt16)
  /// Selects the events that conntrack reports of a connection.
  case selectsEvents
  /// Attaches a helper of this name to a connection.
  case helper(String)
  /// Runs a program that is pinned in a file system of the machine.
  case pinnedProgram
}

/// What the argument of an option is, for programs that hide names or look for the objects that rules name.
public enum OptionContent: Sendable, Hashable {
  /// The name of an ipset.
  case set
  /// The name of a list, a table or an estimator that rules share.
  case list
  /// The beginning of log lines.
  case logPrefix
  /// A remark.
  case remark
  /// A user, or a range of users.
  case user
  /// A group of users, or a range of groups.
  case group
}
