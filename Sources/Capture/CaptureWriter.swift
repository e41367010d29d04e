import CPcap

/// Writes a pcap file with nanosecond timestamps, record by record, through libpcap.
@safe public final class CaptureWriter {
  /// The file's path.
  public let path: String
  /// The framing of all packets of the file.
  public let framing: LinkFraming
  private let library: UnsafePointer<ferrule_pcap>
  private let handle: OpaquePointer
  private let dumper: OpaquePointer

  /// Creates a file, or empties it; `-` is standard output.
  public init(path: String, framing: LinkFraming = .raw) throws(CaptureError) {
    var reason = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let library = unsafe ferrule_pcap_load(&reason, PCAP_ERRBUF_SIZE) else {
      throw .cannotWrite(path: path, reason: CaptureReader.text(reason))
    }
    let dead = unsafe library.pointee.open_dead_with_tstamp_precision(
      framing.rawValue, 262_144, UInt32(PCAP_TSTAMP_PRECISION_NANO))
    guard let dead = unsafe dead else { throw .cannotWrite(path: path, reason: "out of memory") }
    guard let dumper = unsafe library.pointee.dump_open(dead, path) else {
      let reason = unsafe String(cString: library.pointee.geterr(dead))
      unsafe library.pointee.close(dead)
      throw .cannotWrite(path: path, reason: reason)
    }
    unsafe self.library = library
    self.path = path
    self.framing = framing
    unsafe handle = dead
    unsafe self.dumper = dumper
  }

  deinit {
    unsafe library.pointee.dump_close(dumper)
    unsafe library.pointee.close(handle)
  }

  /// Appends a record. Its bytes must have the file's framing.
  public func write(_ frame: CapturedFrame) throws(CaptureError) {
    guard frame.framing == framing else { throw .cannotWrite(path: path, reason: "a packet of another link type") }
    var header = pcap_pkthdr()
    header.ts.tv_sec = Int(clamping: frame.timestamp / 1_000_000_000)
    header.ts.tv_usec = Int(frame.timestamp % 1_000_000_000)
    header.caplen = UInt32(clamping: frame.bytes.count)
    header.len = UInt32(clamping: frame.originalLength)
    unsafe frame.bytes.withUnsafeBufferPointer { bytes in
      unsafe withUnsafePointer(to: header) { header in
        unsafe UnsafeMutableRawPointer(dumper).withMemoryRebound(to: UInt8.self, capacity: 1) { user in
          unsafe library.pointee.dump(user, header, bytes.baseAddress)
        }
      }
    }
    guard unsafe library.pointee.dump_flush(dumper) == 0 else { throw .cannotWrite(path: path, reason: "the file cannot be written") }
  }
}
