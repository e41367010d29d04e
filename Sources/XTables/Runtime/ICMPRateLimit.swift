public import Wire

/// The rate limits of a network namespace for ICMP messages of limited types: per destination and in total.
///
/// The corresponding kernel functions are `inet_peer_xrlim_allow` and `icmp_global_allow`.
public struct ICMPRateLimit: Sendable {
  /// The limits for one message, from the sysctls.
  public struct Policy: Sendable, Hashable {
    /// Nanoseconds between two messages to one destination: `icmp_ratelimit`, `net.ipv6.icmp.ratelimit`.
    public var interval: UInt64
    /// Messages per second in total: `icmp_msgs_per_sec`.
    public var messagesPerSecond: UInt64
    /// The largest burst in total: `icmp_msgs_burst`.
    public var burst: Int64
    /// Whether the message leaves by the loopback interface, which has no limit per destination.
    public var isLoopback: Bool

    /// Creates a policy; parameters as the properties of the same names.
    public init(interval: UInt64, messagesPerSecond: UInt64, burst: Int64, isLoopback: Bool) {
      self.interval = interval
      self.messagesPerSecond = messagesPerSecond
      self.burst = burst
      self.isLoopback = isLoopback
    }
  }

  private struct Peer {
    var tokens: UInt64
    var last: UInt64
  }

  private var peers: [IPAddress: Peer] = [:]
  private var credit: Int64 = 0
  /// When credit was last added, in nanoseconds; nil before the first message.
  private var stamp: UInt64?

  /// The largest burst to one destination. Kernel: `XRLIM_BURST_FACTOR`.
  private static let peerBurst: UInt64 = 6
  /// The largest number of destinations that are remembered. Kernel: `inet_peer_threshold`.
  private static let peerLimit = 65_536
  private static let second: UInt64 = 1_000_000_000

  /// Creates limits with full credit.
  public init() {}

  /// Whether a message is permitted. A permitted message uses up part of the limits.
  ///
  /// - Parameters:
  ///   - now: the time in nanoseconds.
  ///   - random: decides how much of the total limit a message uses, as in the kernel.
  public mutating func allows(to destination: IPAddress, _ policy: Policy, now: UInt64, random: inout SeededRandom) -> Bool {
    guard hasCredit(policy, now: now) else { return false }
    guard policy.isLoopback || takeToken(destination, policy.interval, now: now) else { return false }
    credit -= Int64(random.next() % 3)
    return true
  }

  private mutating func hasCredit(_ policy: Policy, now: UInt64) -> Bool {
    if credit > 0 { return true }
    let elapsed = stamp.map { min(now &- $0, Self.second) } ?? Self.second
    guard elapsed >= Self.second / 50 else { return false }
    let added = policy.messagesPerSecond.multipliedReportingOverflow(by: elapsed)
    let increment = added.overflow ? policy.messagesPerSecond : added.partialValue / Self.second
    guard increment > 0 else { return false }
    stamp = now
    credit = min(credit &+ Int64(clamping: increment), policy.burst)
    return true
  }

  private mutating func takeToken(_ destination: IPAddress, _ interval: UInt64, now: UInt64) -> Bool {
    let most = Self.peerBurst.multipliedReportingOverflow(by: interval)
    let limit = most.overflow ? UInt64.max : most.partialValue
    if peers.count >= Self.peerLimit, peers[destination] == nil { forget(before: now &- min(now, limit)) }
    var peer = peers[destination] ?? Peer(tokens: limit, last: now)
    let sum = peer.tokens.addingReportingOverflow(now &- peer.last)
    peer.tokens = min(sum.overflow ? .max : sum.partialValue, limit)
    peer.last = now
    let isAllowed = peer.tokens >= interval
    if isAllowed { peer.tokens -= interval }
    peers[destination] = peer
    return isAllowed
  }

  /// Removes destinations whose last message was before `time`. They have all their tokens again, as an unknown destination has.
  private mutating func forget(before time: UInt64) {
    peers = peers.filter { $0.value.last > time }
    if peers.count >= Self.peerLimit { peers.removeAll() }
  }
}
