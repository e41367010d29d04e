import Capture
import Diagnostics
import Evaluator
import Kernel
import Scenarios
import Suites
import Wire
import XTables

/// The frames of capture files in the order of their times, and the interfaces at which they were captured.
struct CaptureInput {
  /// A frame with an IP packet.
  struct Frame {
    var packet: Packet
    fileprivate(set) var interface: String
    /// Nanoseconds since the previous frame.
    fileprivate(set) var passed: UInt64
    /// The number of the frame in its file, from 1.
    fileprivate(set) var number: Int
    /// True if the capture says that the host sent the frame: by its direction, or by the address of the interface.
    fileprivate(set) var isOutgoing: Bool
  }

  private struct File {
    let path: String
    /// The interface of all frames; nil if `--in` tells it.
    let interface: String?
  }

  private let files: [File]
  private var map = CaptureInterfaces()
  /// The interfaces that the options name, without duplicates.
  private(set) var interfaces: [String] = []

  var isEmpty: Bool { files.isEmpty }
  /// True if there are captures, and none is read from standard input: their packets do not arrive one by one.
  var isAtHand: Bool { !files.isEmpty && files.allSatisfy { $0.path != "-" } }

  /// - Parameters:
  ///   - paths: capture files, or `INTERFACE=FILE`.
  ///   - option: `eth0`, or entries such as `2=lan,3=wan` and `10.0.0.0/8=lan,default=wan`; nil for none.
  init(_ paths: [String], _ option: String?) throws {
    files = paths.map { path in
      let parts = path.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, InterfaceName.isValid(parts[0]), !HostFile.exists(path) else { return File(path: path, interface: nil) }
      return File(path: parts[1], interface: parts[0])
    }
    for file in files {
      if let interface = file.interface, !interfaces.contains(interface) { interfaces.append(interface) }
      if file.interface == nil, option == nil {
        throw CommandFailure("--pcap \(file.path): name the interface: --pcap INTERFACE=FILE, or --in")
      }
    }
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

  /// Calls `body` with each frame, which it may change. Frames that are not IP are skipped.
  func each(on host: Host, _ body: (inout Frame) throws -> Void) throws {
    var merge = try merged()
    var numbers = [Int](repeating: 0, count: files.count)
    var last: UInt64?
    var addresses = FewNames<MACAddress?>()
    var frame = CapturedFrame(timestamp: 0, bytes: [])
    var arrived = Frame(packet: Packet(bytes: []), interface: "", passed: 0, number: 0, isOutgoing: false)
    while let (capture, isPacket) = try Self.next(of: &merge, &frame, &arrived.packet) {
      numbers[capture] += 1
      let time = frame.timestamp
      arrived.passed = last.map { time > $0 ? time - $0 : 0 } ?? 0
      last = max(last ?? 0, time)
      guard isPacket, let source = arrived.packet.source else { continue }
      arrived.packet.completeChecksum()
      guard let interface = files[capture].interface ?? map.interface(of: frame, source: source) else {
        if frame.direction == .outgoing { continue }
        throw CommandFailure("\(files[capture].path): packet \(numbers[capture]) \(map.complaint(about: frame, source: source)) in --in")
      }
      let own = addresses.value(of: interface) { host.device(named: interface)?.hardwareAddress }
      let isOwn = frame.direction == nil && arrived.packet.link.map { $0.source == own && $0.source != MACAddress(rawValue: 0) } == true
      arrived.interface = interface
      arrived.number = numbers[capture]
      arrived.isOutgoing = frame.direction == .outgoing || isOwn
      try body(&arrived)
    }
  }

  private func merged() throws -> CaptureMerge {
    var merge = CaptureMerge()
    do throws(CaptureError) {
      for file in files { try merge.add(try CaptureReader(path: file.path)) }
    } catch {
      throw CommandFailure("\(error)")
    }
    return merge
  }

  private static func next(
    of merge: inout CaptureMerge, _ frame: inout CapturedFrame, _ packet: inout Packet
  ) throws -> (capture: Int, isPacket: Bool)? {
    do throws(CaptureError) { return try merge.next(&frame, &packet) } catch { throw CommandFailure("\(error)") }
  }
}
