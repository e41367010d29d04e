import CPcap
public import Wire

/// Reads a pcap or pcapng file, record by record, through libpcap, which is loaded when the first file is opened.
@safe public final class CaptureReader {
  /// The file's path; `-` for standard input.
  public let path: String
  /// The framing of all packets of the file.
  public let framing: LinkFraming
  private let library: UnsafePointer<ferrule_pcap>
  private let handle: OpaquePointer
  private var count = 0
  /// What libpcap does not report about the packets of a pcapng file.
  private let annotations: PcapngAnnotations?
  /// Reads the records of most files in less time; nil if libpcap reads them.
  private var file: PcapFile?

  /// Opens a file; `-` is standard input.
  ///
  /// - Parameter name: the file's name in error messages, if other than the path.
  public init(path place: String, calledAs name: String? = nil) throws(CaptureError) {
    let path = name ?? place
    var reason = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let library = unsafe ferrule_pcap_load(&reason, PCAP_ERRBUF_SIZE) else {
      throw .cannotOpen(path: path, reason: CaptureReader.text(reason))
    }
    let opened = unsafe library.pointee.open_offline_with_tstamp_precision(place, UInt32(PCAP_TSTAMP_PRECISION_NANO), &reason)
    guard let opened = unsafe opened else { throw .cannotOpen(path: path, reason: CaptureReader.text(reason)) }
    let type = unsafe library.pointee.datalink(opened)
    guard let framing = LinkFraming(rawValue: type) else {
      let name = unsafe library.pointee.datalink_val_to_name(type).map { unsafe String(cString: $0) } ?? "?"
      unsafe library.pointee.close(opened)
      throw .unknownLinkType(path: path, linkType: type, name: name)
    }
    unsafe self.library = library
    annotations = PcapngAnnotations(path: place)
    file = PcapFile(path: place)
    self.path = path
    self.framing = framing
    unsafe handle = opened
  }

  deinit { unsafe library.pointee.close(handle) }

  /// The next record; nil at the end. In a damaged file, the records before the damage are returned before the error is thrown.
  public func next() throws(CaptureError) -> CapturedFrame? {
    switch step() {
    case .record(let record):
      let bytes = file.map { Array($0.bytes[record.range]) } ?? []
      return CapturedFrame(timestamp: record.timestamp, bytes: bytes, originalLength: record.originalLength, framing: framing)
    case .end: return nil
    case .unclear: return try nextByLibrary()
    }
  }

  /// What ``next(_:)`` has read.
  public enum Reading: Sendable {
    /// The record holds no IP packet, or not its beginning.
    case frame
    case packet
    case end
  }

  /// Reads the next record in place, as ``next()`` does, without its link header.
  ///
  /// - Parameters:
  ///   - frame: becomes the record without its bytes.
  ///   - packet: becomes the IP packet inside, if there is one; its memory is used again.
  public func next(_ frame: inout CapturedFrame, _ packet: inout Packet) throws(CaptureError) -> Reading {
    guard case .record(let record) = step(), let file else {
      guard var read = try next() else { return .end }
      let found = read.takePacket()
      frame = read
      guard let found else { return .frame }
      packet = found
      return .packet
    }
    frame.become(record, framing, file.bytes)
    guard let place = framing.locate(file.bytes, record.range) else { return .frame }
    var bytes: [UInt8] = []
    swap(&bytes, &packet.bytes)
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: file.bytes[place.offset..<record.range.upperBound])
    packet = Packet(bytes: bytes, link: place.link, type: place.type)
    return .packet
  }

  /// The next record of ``file``; `unclear` if libpcap is to read it.
  private func step() -> PcapFile.Step {
    guard let file else { return .unclear }
    let step = file.next()
    switch step {
    case .record: count += 1
    case .end: break
    case .unclear:
      self.file = nil
      // libpcap has not read the records so far.
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var data: UnsafePointer<UInt8>?
      for _ in 0..<count { _ = unsafe library.pointee.next_ex(handle, &header, &data) }
    }
    return step
  }

  private func nextByLibrary() throws(CaptureError) -> CapturedFrame? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let result = unsafe library.pointee.next_ex(handle, &header, &data)
    if result == -2 { return nil }
    guard result == 1, let header = unsafe header, let data = unsafe data else {
      throw .damaged(path: path, afterPackets: count, reason: unsafe String(cString: library.pointee.geterr(handle)))
    }
    count += 1
    let record = unsafe header.pointee
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: Int(record.caplen)))
    // With nanosecond precision, the microseconds field holds nanoseconds.
    let timestamp = UInt64(clamping: record.ts.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: record.ts.tv_usec)
    var frame = CapturedFrame(timestamp: timestamp, bytes: bytes, originalLength: Int(record.len), framing: framing)
    if let note = annotations?.next() {
      frame.interfaceIndex = frame.interfaceIndex ?? note.number
      frame.interfaceName = note.name
      frame.direction = note.direction ?? frame.direction
    }
    return frame
  }

  static func text(_ reason: [CChar]) -> String {
    String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension CaptureReader {
  /// Reads all records of a file, and the error that ended reading early; nil if none.
  ///
  /// - Parameters:
  /// - name: the file's name in messages, if other than `path`.
  /// - limit: the maximum number of packet bytes; reading ends there with an error.
  public static func read(
    path: String, calledAs name: String? = nil, upTo limit: Int = .max
  ) throws(CaptureError) -> (frames: [CapturedFrame], damage: CaptureError?) {
    let reader = try CaptureReader(path: path, calledAs: name)
    var frames: [CapturedFrame] = []
    var bytes = 0
    do throws(CaptureError) {
      while let frame = try reader.next() {
        bytes += frame.bytes.count
        guard bytes <= limit else { throw CaptureError.tooLong(path: name ?? path, limit: limit) }
        frames.append(frame)
      }
    } catch {
      return (frames, error)
    }
    return (frames, nil)
  }
}
