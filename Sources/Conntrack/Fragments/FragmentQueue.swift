import Wire

/// The queued fragments of one datagram. Kernel: `inet_frag_queue`.
struct FragmentQueue: Sendable {
  struct Piece: Sendable {
    var offset: Int
    var payload: [UInt8]
    var end: Int { offset + payload.count }
  }

  /// Adjacent pieces appended at the tail. A piece that fills a gap starts a run of its own.
  struct Run: Sendable {
    var start: Int
    var end: Int
  }

  enum Insertion: Sendable { case queued, complete, duplicate, overlap }

  private(set) var pieces: [Piece] = []
  private(set) var runs: [Run] = []
  /// The payload length known so far, in bytes; the last fragment fixes it.
  private(set) var length = 0
  private(set) var hasLast = false
  private(set) var received = 0
  /// The bytes before the payload of the fragment at offset 0.
  var firstHeader: [UInt8]?
  /// One bit for each ECN codepoint seen.
  var codepoints: UInt8 = 0
  /// The largest fragment, header included, and the largest that forbade fragmentation.
  var largest = 0
  var largestUnfragmentable = 0
  var deadline: Instant
  /// The serial number of the queue, in the order of creation.
  let order: UInt64
  /// The fragment at offset 0; the ICMP error after a timeout quotes it.
  var first: Packet?
  /// The index of the input interface of the last fragment.
  var interface: Int32 = 0
  /// The memory of the queue, in bytes, as compared with the limit.
  private(set) var memory = FragmentQueue.ownMemory
  /// An empty queue counts as well; otherwise a flood of unusable fragments would not reach the limit.
  static let ownMemory = 256
  /// The overhead of a buffer and its descriptor in bytes, approximately as `truesize` counts them.
  static let pieceMemory = 768
  /// The source's fragment count when the last fragment of this datagram arrived.
  var sourceCount: UInt32 = 0

  init(deadline: Instant, order: UInt64 = 0) {
    self.deadline = deadline
    self.order = order
  }

  /// Records the end of a fragment. False if it contradicts earlier fragments.
  mutating func claim(end: Int, isLast: Bool) -> Bool {
    if isLast {
      guard end >= length, !hasLast || end == length else { return false }
      hasLast = true
      length = end
    } else if end > length {
      guard !hasLast else { return false }
      length = end
    }
    return true
  }

  /// Inserts a piece. The corresponding kernel function is `inet_frag_queue_insert`.
  mutating func insert(_ piece: Piece) -> Insertion {
    if let tail = pieces.last, tail.end >= piece.end {
      // The piece lies before the tail. Inside a run it is a duplicate; across the edge of a run it overlaps (RFC 5722).
      for run in runs where piece.end > run.start && piece.offset < run.end {
        return piece.offset >= run.start && piece.end <= run.end ? .duplicate : .overlap
      }
      let place = pieces.firstIndex { $0.offset >= piece.end } ?? pieces.count
      pieces.insert(piece, at: place)
      runs.append(Run(start: piece.offset, end: piece.end))
    } else {
      if let tail = pieces.last, piece.offset < tail.end { return .overlap }
      if pieces.last?.end == piece.offset, let last = runs.indices.max(by: { runs[$0].end < runs[$1].end }) {
        runs[last].end = piece.end
      } else {
        runs.append(Run(start: piece.offset, end: piece.end))
      }
      pieces.append(piece)
    }
    received += piece.payload.count
    memory += piece.payload.count + FragmentQueue.pieceMemory
    return hasLast && firstHeader != nil && received == length ? .complete : .queued
  }

  /// The ECN codepoint of the whole datagram: CE if any fragment has it; nil for an invalid mixture (RFC 3168 §5.3).
  var codepoint: UInt8? {
    let hasNone = codepoints & 1 != 0
    let hasCapable = codepoints & 0b110 != 0
    let hasCongestion = codepoints & 0b1000 != 0
    if hasNone, hasCapable || hasCongestion { return nil }
    return hasCongestion && hasCapable ? 3 : 0
  }

  var payload: [UInt8] { pieces.flatMap(\.payload) }

  /// Removes all pieces and sets a new deadline. The corresponding kernel function is `ip_frag_reinit`.
  mutating func restart(deadline: Instant) {
    let count = sourceCount
    self = FragmentQueue(deadline: deadline, order: order)
    sourceCount = count
  }
}
