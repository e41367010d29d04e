import Diagnostics
import Kernel
import Notation

/// The packets of a command in packet notation: first those of the arguments, then those of the files.
///
/// The files are read twice, first to check them and then to play them, so only one piece of a file is held at a time. The text of
/// a pipe is held as a whole, because it can be read only once.
struct PacketInput {
  private enum Part {
    case text(SourceFile)
    case file(String)
  }

  private let parts: [Part]
  /// The interfaces on which the packets arrive, without duplicates.
  let arrivals: [String]
  /// True if there is no packet.
  let isEmpty: Bool

  /// Checks all packets. Reports the errors, up to a maximum number, then ends the command.
  init(arguments: [String], files: [String], _ colour: ColourChoice) throws {
    var parts = arguments.enumerated().map { Part.text(SourceFile(name: "packet \($0.offset + 1)", bytes: Array($0.element.utf8))) }
    for path in files {
      let isRepeatable = try LineInput(path, longest: Limits.packetLineBytes).isRepeatable
      parts.append(path == "-" || !isRepeatable ? .text(try RulesetInput.source(path)) : .file(path))
    }
    self.parts = parts
    var arrivals: [String] = []
    var known: Set<String> = []
    var mistakes = 0
    var isEmpty = true
    for part in parts {
      try Self.eachSource(part) { source in
        let (lines, diagnostics) = PacketNotation.read(source)
        if !lines.isEmpty { isEmpty = false }
        Console.report(Array(diagnostics.prefix(Limits.shownMistakes - mistakes)), in: source, colour)
        mistakes = min(mistakes + diagnostics.count, Limits.shownMistakes)
        for case let interface? in lines.lazy.map(\.step.interface) where known.insert(interface).inserted { arrivals.append(interface) }
      }
    }
    guard mistakes == 0 else { throw ExitStatus.badInput.code }
    self.arrivals = arrivals
    self.isEmpty = isEmpty
  }

  func each(_ body: (PacketNotation.Line) throws -> Void) throws {
    for part in parts {
      try Self.eachSource(part) { source in
        for line in PacketNotation.read(source).lines { try body(line) }
      }
    }
  }

  private static func eachSource(_ part: Part, _ body: (SourceFile) throws -> Void) throws {
    switch part {
    case .text(let source): try body(source)
    case .file(let path):
      var input = try LineInput(path, longest: Limits.packetLineBytes)
      while true {
        let line = input.line
        guard let lines = try input.next() else { return }
        try body(SourceFile(name: path, bytes: lines, firstLine: line))
      }
    }
  }
}

extension ScenarioStep {
  /// The interface on which the packet arrives; nil for a local packet.
  var interface: String? {
    if case .receive(let frame) = action { frame.interface } else { nil }
  }
}
