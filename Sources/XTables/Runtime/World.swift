public import Conntrack
public import Wire

/// The state outside of the packet that matches and targets read or change: one network namespace at one moment.
public final class World {
  /// The time in nanoseconds since the epoch, on the clock of the scenario.
  public var now: UInt64
  /// The source of all random decisions.
  public var random: SeededRandom
  /// How long before the epoch a tick of the kernel's clock began, in nanoseconds. Ticks are not aligned with the time of day.
  public var tickPhase: UInt64 = 0
  /// Answers questions about the host.
  public let host: any HostModel
  /// The state of extensions.
  public let memory: ExtensionMemory
  /// The connections of the namespace; nil if nothing in the ruleset needs connection tracking.
  public var conntrack: ConntrackTable?

  /// The rate limits of ICMP messages and what is left of them.
  public var icmpRateLimit = ICMPRateLimit()

  /// The seed of the hash with which NFQUEUE distributes packets over queues; nil if unknown. A kernel draws it at start and does
  /// not reveal it. Kernel: `jhash_initval` of `xt_NFQUEUE`.
  public var queueSeed: UInt32?

  /// The ipsets of the namespace; nil if unknown.
  public var addressSets: AddressSets?

  /// The fingerprints that `nfnl_osf` has loaded; nil if unknown.
  public var fingerprints: OSFingerprints?

  /// Decides instead of chance and of missing facts, if every outcome of a packet is wanted; nil in all other runs.
  public var branching: Branching?

  /// Creates a namespace without connections, with unknown ipsets and fingerprints.
  public init(now: UInt64, random: SeededRandom, host: any HostModel, memory: ExtensionMemory = ExtensionMemory()) {
    self.now = now
    self.random = random
    self.host = host
    self.memory = memory
  }

  /// ``now`` as an instant of connection tracking.
  public var instant: Instant { Instant(nanoseconds: now) }
}
