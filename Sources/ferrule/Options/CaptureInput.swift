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
  func each(on host: Host, _ body: (inout ReplayFrame) throws -> Void) throws {
    var frames = try frames(on: host)
    var frame = ReplayFrame()
    while try frames.next(&frame) {
      frame.packet.completeChecksum()
      try body(&frame)
    }
  }

  /// The frames with IP packets, as they arrive at a host: without the checksums that a network card computes.
  func frames(on host: Host) throws -> Frames { Frames(self, host, try merged()) }

  /// True if the captures can be read several times.
  var isRepeatable: Bool { files.allSatisfy { HostFile.isRegular($0.path) } }

  private func merged() throws -> CaptureMerge {
    var merge = CaptureMerge()
    do throws(CaptureError) {
      for file in files { try merge.add(try CaptureReader(path: file.path)) }
    } catch {
      throw CommandFailure("\(error)")
    }
    return merge
  }

  /// The frames of the captures that hold an IP packet.
  struct Frames: ReplayFrames {
    private let captures: CaptureInput
    private let host: Host
    private var merge: CaptureMerge
    private var numbers: [Int]
    /// The time of the last frame.
    private var last: UInt64?
    private var addresses = FewNames<MACAddress?>()
    private var frame = CapturedFrame(timestamp: 0, bytes: [])

    fileprivate init(_ captures: CaptureInput, _ host: Host, _ merge: CaptureMerge) {
      (self.captures, self.host, self.merge) = (captures, host, merge)
      numbers = [Int](repeating: 0, count: captures.files.count)
    }

    mutating func next(_ arrived: inout ReplayFrame) throws -> Bool {
      arrived.passed = 0
      while let (capture, isPacket) = try read(&arrived.packet) {
        numbers[capture] += 1
        let time = frame.timestamp
        // Time passes between frames that are skipped too.
        arrived.passed += last.map { time > $0 ? time - $0 : 0 } ?? 0
        last = max(last ?? 0, time)
        guard isPacket, let source = arrived.packet.source else { continue }
        guard let interface = captures.files[capture].interface ?? captures.map.interface(of: frame, source: source) else {
          if frame.direction == .outgoing { continue }
          throw CommandFailure(
            "\(captures.files[capture].path): packet \(numbers[capture]) \(captures.map.complaint(about: frame, source: source)) in --in")
        }
        let own = addresses.value(of: interface) { host.device(named: interface)?.hardwareAddress }
        let isOwn = frame.direction == nil && arrived.packet.link.map { $0.source == own && $0.source != MACAddress(rawValue: 0) } == true
        arrived.interface = interface
        arrived.number = numbers[capture]
        arrived.isOutgoing = frame.direction == .outgoing || isOwn
        return true
      }
      return false
    }

    private mutating func read(_ packet: inout Packet) throws -> (capture: Int, isPacket: Bool)? {
      do throws(CaptureError) { return try merge.next(&frame, &packet) } catch { throw CommandFailure("\(error)") }
    }
  }
}
