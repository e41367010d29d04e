import Documents
import Netfilter
import TestSupport
import Wire

@testable import Conntrack

/// What a kernel did with a sequence of packets forwarded between eth0 and eth1, as recorded in a namespace.
struct KernelRecord {
  struct Step {
    var packet: [UInt8]
    var sleep: Double
    var count: Int
    /// The `--ctstate` that matched in PREROUTING; empty when the packet did not come so far.
    var state: String
    var passed: Bool
    /// What left, and through which interface; nil where that was not recorded.
    var output: [(interface: String, bytes: [UInt8])]?
    var input: String
    var connections: [String]?
    /// Lines as `conntrack -L expect` prints them.
    var expectations: [String]?
  }

  var name: String
  var sysctls: [String: Int]
  var steps: [Step]
  /// What the CT target attaches, by protocol and destination port.
  var helpers: [(proto: String, port: UInt16, name: String)] = []
  /// The rules of the nat table.
  var nat: [NATRule] = []
  /// Lines as `conntrack -L -o extended` prints them.
  var final: [String]

  init?(_ json: JSONValue) {
    guard let name = json["name"]?.text, case .array(let steps)? = json["steps"] else { return nil }
    self.name = name
    sysctls = [:]
    if case .object(let values)? = json["sysctl"] { for member in values.members { sysctls[member.name] = member.value.integer } }
    self.steps = steps.map { step in
      let sleep: Double =
        switch step["sleep"] {
        case .integer(let value)?: Double(value)
        case .number(let value)?: value
        default: 0
        }
      return Step(
        packet: Hex.bytes(step["hex"]?.text ?? "") ?? [], sleep: sleep, count: step["repeat"]?.integer ?? 1,
        state: step["state"]?.text ?? "", passed: step["passed"] == true, output: step["out"].map(KernelRecord.output),
        input: step["in"]?.text ?? "", connections: step["ct"].map(KernelRecord.lines),
        expectations: step["exp"].map(KernelRecord.lines))
    }
    if case .array(let list)? = json["helpers"] {
      helpers = list.compactMap {
        guard let proto = $0["proto"]?.text, let port = $0["dport"]?.integer, let name = $0["helper"]?.text else { return nil }
        return (proto, UInt16(port), name)
      }
    }
    if case .array(let rules)? = json["nat"] { nat = rules.compactMap { NATRule($0) } }
    final = json["final"].map(KernelRecord.lines) ?? []
  }

  private static func output(_ json: JSONValue) -> [(interface: String, bytes: [UInt8])] {
    guard case .array(let list) = json else { return [] }
    return list.compactMap {
      guard case .array(let pair) = $0, pair.count == 2, let name = pair[0].text, let bytes = Hex.bytes(pair[1].text ?? "") else {
        return nil
      }
      return (name, bytes)
    }
  }

  private static func lines(_ json: JSONValue) -> [String] {
    if case .array(let lines) = json { lines.compactMap(\.text) } else { [] }
  }

  static func load(_ name: String) throws -> [KernelRecord] {
    try PackageFolder.fixture(name).compactMap { KernelRecord($0) }
  }
}

/// A table with the way of a forwarded packet around it: in, and confirmed where the kernel let it out.
struct Replay {
  let table: ConntrackTable
  var now = Instant.seconds(1000)

  /// - Parameter seed: stands for what the kernel drew when it booted.
  init(_ record: KernelRecord, seed: UInt64 = 42) {
    var settings = ConntrackSettings()
    settings.accounting = true
    for (name, value) in record.sysctls { settings[sysctl: name] = value }
    table = ConntrackTable(settings: settings, seed: seed)
  }

  /// The first difference from the kernel, or nil.
  mutating func difference(_ record: KernelRecord) -> String? {
    for (index, step) in record.steps.enumerated() {
      now = Instant(nanoseconds: now.nanoseconds + UInt64(step.sleep * 1e9) + 2_000_000)
      if !step.packet.isEmpty {
        for _ in 0..<step.count {
          let state = send(step)
          if !step.state.isEmpty, state != step.state { return "step \(index): kernel \(step.state), here \(state)" }
        }
      }
      if let lines = step.connections, let difference = Checker(table: table, now: now).compare(lines) {
        return "step \(index): \(difference)"
      }
    }
    return Checker(table: table, now: now).compare(record.final).map { "at the end: \($0)" }
  }

  private func send(_ step: KernelRecord.Step) -> String {
    var attachment = Attachment.none
    let packet = Packet(bytes: step.packet)
    guard table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now) == .accept else { return "" }
    let state = Checker.name(attachment)
    if step.passed, table.confirm(attachment: &attachment, now: now) == .accept {
      return state
    }
    table.release(attachment)
    return state
  }
}

/// Compares a table with a kernel's listing.
struct Checker {
  let table: ConntrackTable
  let now: Instant

  static func name(_ attachment: Attachment) -> String {
    switch attachment {
    case .none, .answerToUntracked, .template: "INVALID"
    case .untracked: "UNTRACKED"
    case .connection(_, let info):
      switch info {
      case .new: "NEW"
      case .established, .establishedReply: "ESTABLISHED"
      case .related, .relatedReply: "RELATED"
      }
    }
  }

  func compareExpectations(_ kernel: [String]) -> String? {
    let here = table.dumpExpectations(now: now).map(\.line).map(Checker.withoutTimeout).sorted()
    let there = kernel.map(Checker.withoutTimeout).sorted()
    return here == there ? nil : "kernel expects \(there), here \(here)"
  }

  private static func withoutTimeout(_ line: String) -> String {
    line.split(separator: " ").dropFirst().joined(separator: " ")
  }

  /// Compares the listing; timeouts may differ by a second.
  func compare(_ kernel: [String]) -> String? {
    let here = table.dump(now: now).map(\.extendedLine).map(normal).sorted { $0.line < $1.line }
    let there = kernel.map(normal).sorted { $0.line < $1.line }
    guard here.map(\.line) == there.map(\.line) else { return "kernel \(there.map(\.line)), here \(here.map(\.line))" }
    for (a, b) in zip(here, there) where abs(a.timeout - b.timeout) > 1 {
      return "timeout \(b.timeout) in the kernel, here \(a.timeout): \(a.line)"
    }
    return nil
  }

  private func normal(_ line: String) -> (line: String, timeout: Int) {
    var words = line.split(separator: " ").map(String.init)
    words.removeAll { $0.hasPrefix("use=") }
    guard words.count > 4, let timeout = Int(words[4]) else { return (words.joined(separator: " "), 0) }
    words[4] = "T"
    return (words.joined(separator: " "), timeout)
  }
}
