public import Capture

/// The frames of several captures in the order of their times.
public struct CaptureMerge {
  private var readers: [CaptureReader] = []
  private var waiting: [CapturedFrame?] = []

  /// Creates a merge of no captures.
  public init() {}

  /// Adds a capture; captures are numbered in the order in which they are added.
  ///
  /// - Throws: `CaptureError` if its first frame cannot be read.
  public mutating func add(_ reader: CaptureReader) throws(CaptureError) {
    waiting.append(try reader.next())
    readers.append(reader)
  }

  /// The next frame and the number of its capture; nil at the end. Of frames with the same time, that of the earlier capture comes first.
  ///
  /// - Throws: `CaptureError` if a file is damaged.
  public mutating func next() throws(CaptureError) -> (frame: CapturedFrame, capture: Int)? {
    // A frame of a single capture need not wait for others.
    if readers.count == 1, waiting[0] == nil { return try readers[0].next().map { ($0, 0) } }
    var first: Int?
    for number in waiting.indices {
      guard let time = waiting[number]?.timestamp else { continue }
      if let best = first, let other = waiting[best]?.timestamp, other <= time { continue }
      first = number
    }
    guard let first else { return nil }
    // Moved out: the frame is then the only owner of its bytes.
    var taken: CapturedFrame?
    swap(&taken, &waiting[first])
    if readers.count > 1 { waiting[first] = try readers[first].next() }
    return taken.map { ($0, first) }
  }
}
