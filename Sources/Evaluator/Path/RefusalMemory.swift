import Wire

/// Limits the ICMP errors for packets that have no route, by host: five at once, then one per second, whatever `icmp_ratelimit` is.
///
/// The corresponding kernel function is `ip_error`, with `net.ipv4.route.error_burst` and `error_cost`.
struct RefusalMemory {
  private struct Peer {
    var tokens: UInt64
    var last: UInt64
  }
  private var peers: [IPAddress: Peer] = [:]
  /// Nanoseconds.
  private static let cost: UInt64 = 1_000_000_000
  private static let burst = 5 * cost
  /// The number of hosts that are remembered; with more, the memory begins anew.
  private static let capacity = 4096

  var isEmpty: Bool { peers.isEmpty }

  /// True if an error may be sent to a host now.
  mutating func tells(_ source: IPAddress, now: UInt64) -> Bool {
    if peers.count >= Self.capacity, peers[source] == nil { peers = [:] }
    var peer = peers[source] ?? Peer(tokens: Self.burst, last: now)
    peer.tokens = min(Self.burst, peer.tokens &+ (now &- peer.last))
    peer.last = now
    let isAllowed = peer.tokens >= Self.cost
    if isAllowed { peer.tokens -= Self.cost }
    peers[source] = peer
    return isAllowed
  }
}
