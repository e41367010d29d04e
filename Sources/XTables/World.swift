public import Conntrack

/// Everything outside the packet that matches and targets may ask or change: one network namespace at one moment.
public final class World {
  /// Nanoseconds on the scenario's clock, which counts from the epoch.
  public var now: UInt64
  public var random: SeededRandom
  /// Counts what happened from outside. What one packet causes happens within one tick of the kernel's clock.
  public var occasion: UInt64 = 0
  public let host: any HostModel
  public let memory: ExtensionMemory
  /// The connections of the namespace; nil as long as nothing in the ruleset needs them tracked.
  public var conntrack: ConntrackTable?

  /// What the limits on ICMP messages still allow.
  public var icmpRateLimit = ICMPRateLimit()

  /// The seed of the hash by which NFQUEUE balances queues, which a kernel draws when it starts and keeps to itself; nil where it is
  /// not known. Kernel: `jhash_initval` of `xt_NFQUEUE`.
  public var queueSeed: UInt32?

  /// The ipsets of the namespace; nil where nobody said which there are.
  public var addressSets: AddressSets?

  /// What `nfnl_osf` loaded; nil where nobody said.
  public var fingerprints: OSFingerprints?

  public init(now: UInt64, random: SeededRandom, host: any HostModel, memory: ExtensionMemory = ExtensionMemory()) {
    self.now = now
    self.random = random
    self.host = host
    self.memory = memory
  }

  /// ``now`` as connection tracking takes it.
  public var instant: Instant { Instant(nanoseconds: now) }
}

/// A small generator whose whole state is its seed (splitmix64), so that a run can be repeated byte for byte.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
