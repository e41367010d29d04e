public import Diagnostics
import Wire

/// A notation for packets, one per line:
///
///     eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S
///     eth0 icmp 10.0.0.9 > 10.0.0.1 8/0 ttl=3 => drop
///     local uid=1000 udp [2001:db8::1]:53 > [2001:db8::2]:53 payload="query"
///     eth1 icmp 10.0.1.9 > 10.0.0.9 3/3 [udp 10.0.0.9:1000 > 10.0.1.9:53]
///     eth0 hex 45000028…
///     wait 30
///
/// A line starts with the packet's origin: an interface, or `local` for a process of this host. Protocol, source, destination and further details
/// follow. The expected verdict comes after `=>`. TCP sequence numbers continue the flow unless `seq=` and `ack=` are given. `#` starts a
/// comment.
public enum PacketNotation {
  /// A parsed line.
  public struct Line: Sendable {
    /// The event that the line describes.
    public let step: ScenarioStep
    /// The expected verdict; nil if the line has none.
    public let expected: VerdictPattern?
    /// The place of the line.
    public let source: SourceRange

    /// The line's text without expectation and comment.
    public let text: String
  }

  /// Parses all lines. A line with an error yields a diagnostic, and parsing continues with the next line.
  public static func read(_ file: SourceFile) -> (lines: [Line], diagnostics: [Diagnostic]) {
    var lines: [Line] = []
    var diagnostics: [Diagnostic] = []
    var start = 0
    while start < file.bytes.count {
      let end = file.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? file.bytes.count
      do throws(NotationError) {
        let words = try NotationLexer.words(file, start..<end)
        if let first = words.first, let last = words.last {
          lines.append(try line(words, SourceRange(Int(first.range.lowerBound)..<Int(last.range.upperBound)), file))
        }
      } catch {
        diagnostics.append(
          Diagnostic(
            "bad-packet", .error, error.message, at: error.range, notes: error.hint.map { [Diagnostic.Note($0)] } ?? []))
      }
      start = end + 1
    }
    return (lines, diagnostics)
  }

  private static func line(_ words: [NotationWord], _ range: SourceRange, _ file: SourceFile) throws(NotationError) -> Line {
    let arrow = words.firstIndex { $0.text == "=>" }
    let packet = Array(words[..<(arrow ?? words.count)])
    guard let first = packet.first, let last = packet.last else {
      throw NotationError("there is no packet before `=>`", at: range)
    }
    var expected: VerdictPattern?
    if let arrow { expected = try VerdictPattern(Array(words[(arrow + 1)...]), at: words[arrow].range) }
    var reader = NotationReader(packet)
    let step = try reader.step()
    let text = file.bytes[Int(first.range.lowerBound)..<Int(last.range.upperBound)]
    return Line(step: step, expected: expected, source: range, text: String(decoding: text, as: UTF8.self))
  }
}
