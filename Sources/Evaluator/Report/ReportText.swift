import Conntrack
public import Diagnostics
public import Wire
public import XTables

extension PathReport {
  /// The report as text for a reader.
  ///
  /// - Parameter source: the file in which the rules of a family stand, which gives their lines.
  public func text(_ source: (Family) -> SourceFile? = { _ in nil }) -> String {
    packets.map { $0.text(source($0.family)) }.joined()
  }
}

extension PacketReport {
  /// The packet's way, one hook after the other, and its verdict.
  public func text(_ source: SourceFile? = nil) -> String {
    var lines = [(origin == .own ? "packet " : "the host's ") + packet.brief]
    for passage in passages { lines += passage.lines(source) }
    for stay in queueStays {
      let answer = stay.answer.map { "\($0)" } ?? "held"
      lines.append("  queue \(stay.queue) at \(stay.hook.name): \(answer)")
    }
    for log in logs { lines.append("  \(log)") }
    for note in notes { lines.append("  \(note)") }
    lines.append("  → \(verdict.text)")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension HookPassage {
  func lines(_ source: SourceFile?) -> [String] {
    var heading = "  \(hook.name)"
    if let input { heading += " in \(input)" }
    if let output { heading += " out \(output)" }
    if markBefore != 0 { heading += " mark 0x\(String(markBefore, radix: 16))" }
    var lines = [heading]
    for operation in operations {
      if operation.steps.isEmpty, operation.outcome != "accept" { lines.append("    \(operation.name): \(operation.outcome)") }
      for step in operation.steps { lines.append("    \(step.text(source))") }
    }
    return lines
  }
}

extension RuleStep {
  func text(_ file: SourceFile?) -> String {
    var line = "\(table.rawValue) \(chain) "
    switch kind {
    case .rule: line += "rule \(number)"
    case .policy: line += "policy"
    case .return: line += "end"
    }
    if let file, let source { line += " (\(file.name):\(file.position(of: Int(source.lowerBound)).line))" }
    return action.isEmpty ? line : "\(line): \(action)"
  }
}

extension LogRecord: CustomStringConvertible {
  public var description: String {
    switch self {
    case .line(let level, let text): "log <\(level)> \(text)"
    case .group(let group, let prefix): "nflog \(group) \"\(prefix)\""
    }
  }
}

extension PacketVerdict {
  /// A short word for the kind of verdict.
  public var name: String {
    switch self {
    case .sent: "sent"
    case .delivered: "local"
    case .dropped: "drop"
    case .lost: "lost"
    case .queued: "queued"
    case .absorbed: "absorbed"
    case .refused: "none"
    case .unknown: "unknown"
    }
  }

  /// The verdict in a sentence's length.
  public var text: String {
    switch self {
    case .sent(let output): return "sent through \(output)"
    case .delivered: return "delivered to this host"
    case .dropped(let hook, let step, let reason):
      return "dropped at \(hook.name)" + (step.map { " by \($0.table.rawValue) \($0.chain) \($0.kind.rawValue) \($0.number)" } ?? "")
        + (reason.isEmpty ? "" : ": \(reason)")
    case .lost(let reason): return "lost: \(reason)"
    case .queued(let number, let hook): return "held in queue \(number) at \(hook.name)"
    case .absorbed(let hook): return "kept for reassembly" + (hook.map { " at \($0.name)" } ?? "")
    case .refused(let reason): return "refused: \(reason)"
    case .unknown(let reason, let hook): return "unknown" + (hook.map { " at \($0.name)" } ?? "") + ": \(reason.sentence)"
    }
  }
}
