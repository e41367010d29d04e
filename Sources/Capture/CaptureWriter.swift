import CPcap

/// Writes a pcap file with nanosecond timestamps, record by record, through libpcap.
@safe public final class CaptureWriter {
  public let path: String
  public let framing: LinkFraming
  private let handle: OpaquePointer
  private let dumper: OpaquePointer

  /// Creates a file, or empties it; `-` is standard output.
  public init(path: String, framing: LinkFraming = .raw) throws(CaptureError) {
    let dead = unsafe pcap_open_dead_with_tstamp_precision(framing.rawValue, 262_144, UInt32(PCAP_TSTAMP_PRECISION_NANO))
    guard let dead = unsafe dead else { throw .cannotWrite(path: path, reason: "out of memory") }
    guard let dumper = unsafe pcap_dump_open(dead, path) else {
      let reason = unsafe String(cString: pcap_geterr(dead))
      unsafe pcap_close(dead)
      throw .cannotWrite(path: path, reason: reason)
    }
    self.path = path
    self.framing = framing
    unsafe handle = dead
    unsafe self.dumper = dumper
  }

  deinit {
    unsafe pcap_dump_close(dumper)
    unsafe pcap_close(handle)
  }

  /// Adds a record; its bytes must be framed as the file is.
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
          unsafe pcap_dump(user, header, bytes.baseAddress)
        }
      }
    }
    guard unsafe pcap_dump_flush(dumper) == 0 else { throw .cannotWrite(path: path, reason: "the file cannot be written") }
  }
}
