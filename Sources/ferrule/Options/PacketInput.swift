import Capture
import Diagnostics
import Kernel
import Lab
import Wire

/// The packets a command is given.
enum PacketInput {
  /// Those of the arguments first, then those of the files. A mistake in any of them ends the command when all are told.
  static func lines(arguments: [String], files: [String], _ colour: ColourChoice) throws -> [PacketNotation.Line] {
    var sources = arguments.enumerated().map { SourceFile(name: "packet \($0.offset + 1)", bytes: Array($0.element.utf8)) }
    for path in files { sources.append(try RulesetInput.source(path)) }
    var lines: [PacketNotation.Line] = []
    var isSound = true
    for source in sources {
      let (read, diagnostics) = PacketNotation.read(source)
      Console.report(diagnostics, in: source, colour)
      isSound = isSound && diagnostics.isEmpty
      lines += read
    }
    guard isSound else { throw ExitStatus.badInput.code }
    return lines
  }

  /// The packets of a capture, each with the nanoseconds since the one before. Frames that hold no IP are passed over.
  static func eachFrame(of path: String, _ body: (Packet, UInt64) throws -> Void) throws {
    do {
      let reader = try CaptureReader(path: path)
      var last: UInt64?
      while let frame = try reader.next() {
        let passed = last.map { frame.timestamp > $0 ? frame.timestamp - $0 : 0 } ?? 0
        last = max(last ?? 0, frame.timestamp)
        if let packet = frame.packet { try body(packet, passed) }
      }
    } catch let error as CaptureError {
      throw CommandFailure("\(error)")
    }
  }
}

extension ScenarioStep {
  /// The interface at which the packet arrives.
  var interface: String? {
    if case .receive(let frame) = action { frame.interface } else { nil }
  }
}
