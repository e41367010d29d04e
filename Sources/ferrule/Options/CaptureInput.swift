import Capture
import Diagnostics
import Evaluator
import Suites
import Wire

/// The packets of capture files, and the interfaces on which they arrive.
struct CaptureInput {
  private var map = CaptureInterfaces()
  /// The interfaces that the option names, without duplicates.
  private(set) var interfaces: [String] = []

  /// - Parameter option: `eth0`, or entries such as `2=lan,3=wan` and `10.0.0.0/8=lan,default=wan`; nil for none.
  init(_ option: String?) throws {
    guard let option else { return }
    let entries = option.contains("=") ? option.split(separator: ",") : ["default=\(option)"]
    for entry in entries {
      let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, map.add(parts[0], parts[1]) else {
        throw CommandFailure("--in: `\(entry)' is not KEY=INTERFACE; \(CaptureInterfaces.keys)")
      }
      if !interfaces.contains(parts[1]) { interfaces.append(parts[1]) }
    }
  }

  /// Calls `body` with each packet that arrived, its interface, and the nanoseconds since the previous frame. Skips frames that are not IP.
  ///
  /// - Returns: the number of frames that the host itself sent. They are results, not input, and are skipped: by the direction that the file
  ///   records, or by the source address, which is that of the interface.
  func each(of path: String, on host: Host, _ body: (Packet, String, UInt64) throws -> Void) throws -> Int {
    var sent = 0
    var number = 0
    let reader: CaptureReader
    do throws(CaptureError) { reader = try CaptureReader(path: path) } catch { throw CommandFailure("\(error)") }
    var last: UInt64?
    while let frame = try Self.next(of: reader) {
      number += 1
      let passed = last.map { frame.timestamp > $0 ? frame.timestamp - $0 : 0 } ?? 0
      last = max(last ?? 0, frame.timestamp)
      guard let packet = frame.packet, let source = packet.source else { continue }
      if frame.direction == .outgoing {
        sent += 1
        continue
      }
      guard let interface = map.interface(of: frame, source: source) else {
        throw CommandFailure("\(path): packet \(number) \(map.complaint(about: frame, source: source)) in --in")
      }
      if frame.direction == nil, let link = packet.link, link.source != MACAddress(rawValue: 0),
        host.device(named: interface)?.hardwareAddress == link.source
      {
        sent += 1
        continue
      }
      try body(packet, interface, passed)
    }
    return sent
  }

  private static func next(of reader: CaptureReader) throws -> CapturedFrame? {
    do throws(CaptureError) { return try reader.next() } catch { throw CommandFailure("\(error)") }
  }
}
