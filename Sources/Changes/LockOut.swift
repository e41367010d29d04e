import Diagnostics
public import Evaluator
import Netfilter
import Notation
import Wire
import XTables

/// A packet that must pass under new rules, in packet notation. What is left out is filled in: the port of the sender, the address of this host
/// at the interface, and SYN for TCP.
public struct Probe: Sendable {
  /// The line as it was given.
  public let text: String

  /// Creates a probe from a line such as `eth0 tcp 10.0.0.5 > :22`, which may end in `=>` and the expected verdict.
  public init(_ text: String) { self.text = text }

  /// The complete line on a host.
  func line(on host: Host) -> String {
    let parts = text.split(separator: " => ", maxSplits: 1).map(String.init)
    var words = (parts.first ?? "").split(separator: " ").map(String.init)
    guard let arrow = words.firstIndex(of: ">"), arrow > 1, arrow + 1 < words.count else { return text }
    let hasPorts = ["tcp", "udp", "sctp", "dccp", "udplite"].contains(words[arrow - 2])
    let source = words[arrow - 1]
    let family: Family = source.contains("[") || source.count { $0 == ":" } > 1 ? .ipv6 : .ipv4
    if hasPorts, family == .ipv4 ? !source.contains(":") : !source.contains("]:") {
      words[arrow - 1] = family == .ipv6 && !source.hasPrefix("[") ? "[\(source)]:40000" : "\(source):40000"
    }
    if words[arrow + 1].hasPrefix(":"), let own = host.device(named: words[0])?.addresses.first(where: { $0.address.family == family }) {
      words[arrow + 1] = (family == .ipv6 ? "[\(own.address)]" : "\(own.address)") + words[arrow + 1]
    }
    if words[arrow - 2] == "tcp", arrow + 2 == words.count { words.append("S") }
    return words.joined(separator: " ") + (parts.count > 1 ? " => \(parts[1])" : "")
  }
}

/// What new rules would lock out.
public struct LockOut: Sendable {
  /// Sentences on packets that provably do not pass. If there are any, the rules must not be loaded.
  public private(set) var refusals: [String] = []
  /// Sentences on packets of which that is not known.
  public private(set) var doubts: [String] = []

  /// - Parameters:
  ///   - forecast: what becomes of the user's own session; nil if there is none.
  ///   - fresh: the host with the new rules and no connections.
  public init(_ forecast: ConnectionForecast?, probes: [Probe], in fresh: Simulator) {
    if let forecast {
      let rule = forecast.decider.map { ", by \($0)" } ?? ""
      switch forecast.fate {
      case .cut: refusals.append("your session \(forecast.connection) would be cut\(rule)")
      case .undecided: doubts.append("whether your session \(forecast.connection) survives is not known\(rule)")
      case .survives: break
      }
      if forecast.fate != .cut, forecast.reopening == .cut {
        refusals.append("your session \(forecast.connection) survives, but you could not log in again")
      }
    }
    for probe in probes { add(probe, fresh) }
  }

  private mutating func add(_ probe: Probe, _ simulator: Simulator) {
    let line = probe.line(on: simulator.host)
    let read = PacketNotation.read(SourceFile(name: "probe", bytes: Array(line.utf8)))
    guard let packet = read.lines.first, read.diagnostics.isEmpty, let expected = try? packet.expected ?? VerdictPattern("accept") else {
      refusals.append("the probe `\(probe.text)' is not a packet: \(read.diagnostics.first?.message ?? "it is empty")")
      return
    }
    var runner = PacketRunner(simulator, assumesDefaults: false)
    guard let report = try? runner.play(packet.step) else {
      refusals.append("the probe `\(probe.text)' is not a packet")
      return
    }
    if expected.holds(for: report) { return }
    if case .unknown = report.verdict {
      doubts.append("what happens to the probe `\(line)' is not known: \(report.verdict.text)")
    } else {
      refusals.append("the probe `\(line)' is not as expected: \(report.verdict.text)")
    }
  }
}
