import Documents
import Extensions
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing

/// Every cell of TCP's table of states, asked of the running kernel: each state, reached from either end, times both directions, times all sets of
/// the six flags. What stands in `kernel-tcp-cells.jsonl` was asked of it once, and is there where nobody is root.
@Suite("The cells of TCP's table and the running kernel", .asRoot, .serialized)
struct TCPCellTests {
  /// A segment of the client, or of the server, whose numbers begin at 100 and 500.
  struct Segment: Sendable {
    var isReply = false
    var flags: String
    var sequence: Int
    var acknowledgment = 0
  }

  struct Way: Sendable, CustomTestStringConvertible {
    let name: String
    let segments: [Segment]
    var testDescription: String { name }
  }

  private static func client(_ flags: String, _ sequence: Int, _ acknowledgment: Int = 0) -> Segment {
    Segment(flags: flags, sequence: sequence, acknowledgment: acknowledgment)
  }

  private static func server(_ flags: String, _ sequence: Int, _ acknowledgment: Int = 0) -> Segment {
    Segment(isReply: true, flags: flags, sequence: sequence, acknowledgment: acknowledgment)
  }

  private static let open = [client("S", 100), server("SA", 500, 101), client("A", 101, 501)]
  private static let clientFin = open + [client("FA", 101, 501)], serverFin = open + [server("FA", 501, 101)]
  private static let clientClosed = clientFin + [server("A", 501, 102)], serverClosed = serverFin + [client("A", 101, 502)]
  private static let clientLast = clientClosed + [server("FA", 501, 102)], serverLast = serverClosed + [client("FA", 101, 502)]

  static let ways: [Way] = [
    Way(name: "NONE", segments: []),
    Way(name: "SYN_SENT", segments: [client("S", 100)]),
    Way(name: "SYN_SENT2", segments: [client("S", 100), server("S", 500)]),
    Way(name: "SYN_RECV", segments: [client("S", 100), server("SA", 500, 101)]),
    Way(name: "SYN_RECV after SYNs from both", segments: [client("S", 100), server("S", 500), client("SA", 100, 501)]),
    Way(name: "ESTABLISHED", segments: open),
    Way(name: "ESTABLISHED, found midway", segments: [client("A", 101, 501)]),
    Way(name: "FIN_WAIT by the client", segments: clientFin), Way(name: "FIN_WAIT by the server", segments: serverFin),
    Way(name: "CLOSE_WAIT by the client", segments: clientClosed), Way(name: "CLOSE_WAIT by the server", segments: serverClosed),
    Way(name: "LAST_ACK by the client", segments: clientLast), Way(name: "LAST_ACK by the server", segments: serverLast),
    Way(name: "TIME_WAIT by the client", segments: clientLast + [client("A", 102, 502)]),
    Way(name: "TIME_WAIT by the server", segments: serverLast + [server("A", 502, 102)]),
    Way(name: "CLOSE by the client", segments: open + [client("RA", 101, 501)]),
    Way(name: "CLOSE by the server", segments: open + [server("RA", 501, 101)]),
    Way(name: "CLOSE of a refused SYN", segments: [client("S", 100), server("SA", 500, 101), server("RA", 501, 101)]),
  ]

  static let letters = Array("FSRPAU")

  /// Sixteen cells of a state, a flow for each: few enough that no second passes between the first and the last.
  private static func scenario(_ way: Way, _ sets: Range<Int>, isReply: Bool) throws -> Scenario {
    var steps: [String] = []
    func add(_ segment: Segment, _ port: Int) {
      let (from, to, input) = segment.isReply ? ("10.0.1.9", "10.0.0.9", "eth1") : ("10.0.0.9", "10.0.1.9", "eth0")
      let (source, destination) = segment.isReply ? (80, port) : (port, 80)
      steps.append(
        #"{"in": "\#(input)", "src": "\#(from)", "dst": "\#(to)", "proto": "tcp", "sport": \#(source), "dport": \#(destination), "#
          + #""flags": "\#(segment.flags)", "seq": \#(segment.sequence), "ack": \#(segment.acknowledgment), "win": 8000}"#)
    }
    // Where a flow stands: behind the last that each end has sent.
    let ends = [false, true].map { isReply in
      way.segments.filter { $0.isReply == isReply }.map { $0.sequence + ($0.flags.contains { "SF".contains($0) } ? 1 : 0) }.max()
        ?? (isReply ? 500 : 100)
    }
    var port = 2000
    for set in sets {
      for segment in way.segments { add(segment, port) }
      let flags = String(letters.indices.filter { set >> $0 & 1 == 1 }.map { letters[$0] })
      add(Segment(isReply: isReply, flags: flags, sequence: ends[isReply ? 1 : 0], acknowledgment: ends[isReply ? 0 : 1]), port)
      port += 1
    }
    let rules = JSONValue.string(
      "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n")
    return try Scenario(
      line: #"{"name": "\#(way.name)", "rules": \#(rules), "trace": false, "deltas": false, "steps": [\#(steps.joined(separator: ","))]}"#)
  }

  @Test("engine and kernel agree on every cell", arguments: ways) func everyCellAgrees(_ way: Way) throws {
    let (kernel, engine) = (KernelLab(registry: .ferrule), LabEngine(registry: .ferrule))
    var agreed = 0
    for isReply in [false, true] {
      for first in stride(from: 0, to: 64, by: 16) {
        let scenario = try Self.scenario(way, first..<(first + 16), isReply: isReply)
        let ours = engine.play(scenario).json
        let differences = KernelInquiry(scenario).differences(ours, limit: 6) { kernel.answer($0).json }
        #expect(
          differences.isEmpty, "\(isReply), flags \(first) and on: \(differences.map { "\n  \(String("\($0)".prefix(200)))" }.joined())")
        if differences.isEmpty { agreed += 16 }
      }
    }
    print("\(way.name): \(agreed) of 128 cells agree with the running kernel")
  }
}
