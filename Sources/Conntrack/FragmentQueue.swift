import Wire

/// The fragments of one datagram, as far as they have come. Kernel: `inet_frag_queue`.
struct FragmentQueue: Sendable {
  struct Piece: Sendable {
    var offset: Int
    var payload: [UInt8]
    var end: Int { offset + payload.count }
  }

  /// Pieces that came one right behind the other at the tail. What fills a gap starts a run of its own.
  struct Run: Sendable {
    var start: Int
    var end: Int
  }

  enum Insertion: Sendable { case queued, complete, duplicate, overlap }

  private(set) var pieces: [Piece] = []
  private(set) var runs: [Run] = []
  /// The datagram's payload length, as far as known: a final fragment fixes it.
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
  /// Which of all datagrams it is.
  let order: UInt64
  /// The fragment at offset 0, to be quoted when others do not come.
  var first: Packet?
  /// The interface by which the last one came.
  var interface: Int32 = 0
  /// What the queue counts against the limit of memory.
  private(set) var memory = FragmentQueue.ownMemory
  /// An empty queue counts as well, or a flood of unusable fragments would cost nothing.
  static let ownMemory = 256
  /// A buffer's own size and that of its descriptor, roughly as `truesize` counts them.
  static let pieceMemory = 768
  /// The count of fragments from the same source when the last of this datagram came.
  var sourceCount: UInt32 = 0

  init(deadline: Instant, order: UInt64 = 0) {
    self.deadline = deadline
    self.order = order
  }

  /// Notes how far the datagram reaches. False when that contradicts what came before.
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

  /// Puts a piece in its place. The corresponding kernel function is `inet_frag_queue_insert`.
  mutating func insert(_ piece: Piece) -> Insertion {
    if let tail = pieces.last, tail.end >= piece.end {
      // It belongs before the tail: inside a run it has come before; across the edge of one it overlaps (RFC 5722).
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

  /// The ECN codepoint of the whole: congestion wins; nil for a mixture that nobody may send (RFC 3168 §5.3).
  var codepoint: UInt8? {
    let hasNone = codepoints & 1 != 0, hasCapable = codepoints & 0b110 != 0, hasCongestion = codepoints & 0b1000 != 0
    if hasNone, hasCapable || hasCongestion { return nil }
    return hasCongestion && hasCapable ? 3 : 0
  }

  var payload: [UInt8] { pieces.flatMap(\.payload) }

  /// Forgets all pieces, to begin anew at a deadline. The corresponding kernel function is `ip_frag_reinit`.
  mutating func restart(deadline: Instant) {
    let count = sourceCount
    self = FragmentQueue(deadline: deadline, order: order)
    sourceCount = count
  }
}
