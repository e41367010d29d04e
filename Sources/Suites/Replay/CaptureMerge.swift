public import Capture
public import Wire

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

  /// Reads the next frame as ``next()`` does, of a single capture in place.
  ///
  /// - Parameters:
  ///   - frame: becomes the frame without its bytes.
  ///   - packet: becomes the IP packet inside, if there is one; its memory is used again.
  /// - Returns: the number of the capture, and whether the frame has a packet; nil at the end.
  public mutating func next(_ frame: inout CapturedFrame, _ packet: inout Packet) throws(CaptureError) -> (capture: Int, isPacket: Bool)? {
    if readers.count == 1, waiting[0] == nil {
      switch try readers[0].next(&frame, &packet) {
      case .end: return nil
      case .frame: return (0, false)
      case .packet: return (0, true)
      }
    }
    guard var read = try next() else { return nil }
    let found = read.frame.takePacket()
    frame = read.frame
    guard let found else { return (read.capture, false) }
    packet = found
    return (read.capture, true)
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
