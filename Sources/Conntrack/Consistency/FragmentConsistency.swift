import Wire

extension FragmentQueues {
  /// The violated invariants of the queues, one sentence each; empty if all hold. The cost is linear in the queued fragments.
  /// - Parameter settings: the limits in force when the fragments were queued.
  public func inconsistencies(_ settings: FragmentSettings, now: Instant) -> [String] {
    // An empty last fragment of an IPv6 datagram is dropped, but the length it claims stays. A queue that is complete at that length
    // keeps waiting.
    var findings = queues.flatMap { $0.value.inconsistencies(mayBeWhole: $0.key.family == .ipv6) }
    let sum = allQueues.reduce(0) { $0 + $1.memory }
    if sum != memory { findings.append("the queues of fragments hold \(sum) bytes, counted as \(memory)") }
    // A fragment is queued if the limit was not exceeded before it.
    let limit = Int(max(settings.ipv4HighThreshold, settings.ipv6HighThreshold)) + FragmentQueue.largestPiece
    if memory > limit { findings.append("the queues of fragments hold \(memory) bytes, more than \(limit)") }
    if queues.isEmpty, !sourceCounts.isEmpty { findings.append("sources of fragments are counted where none wait") }
    let longest = max(settings.ipv4Timeout, settings.ipv6Timeout)
    if allQueues.contains(where: { $0.deadline.wholeSeconds(since: now) > longest }) {
      findings.append("a datagram is waited for longer than \(longest) seconds")
    }
    return findings
  }

  private var allQueues: some Collection<FragmentQueue> { queues.values }
}

extension FragmentQueue {
  /// The most memory that one fragment can count for, in bytes.
  static let largestPiece = ownMemory + 0xFFFF + pieceMemory

  func inconsistencies(mayBeWhole: Bool) -> [String] {
    var findings: [String] = []
    for (piece, next) in zip(pieces, pieces.dropFirst()) where piece.end > next.offset { findings.append("pieces of a datagram overlap") }
    let bytes = pieces.reduce(0) { $0 + $1.payload.count }
    if bytes != received { findings.append("\(bytes) bytes of a datagram are counted as \(received)") }
    if memory != FragmentQueue.ownMemory + bytes + pieces.count * FragmentQueue.pieceMemory {
      findings.append("a datagram of \(pieces.count) pieces is said to cost \(memory) bytes")
    }
    if let last = pieces.last, last.end > length { findings.append("a piece ends behind the datagram's end") }
    // The runs must cover exactly the bytes of the pieces.
    let covered = runs.reduce(0) { $0 + ($1.end - $1.start) }
    if covered != bytes { findings.append("the runs of a datagram cover \(covered) of \(bytes) bytes") }
    let isOutside = pieces.contains { piece in !runs.contains { $0.start <= piece.offset && piece.end <= $0.end } }
    if isOutside { findings.append("a piece of a datagram is in no run") }
    if !mayBeWhole, hasLast, firstHeader != nil, received == length { findings.append("a whole datagram still waits") }
    return findings
  }
}
