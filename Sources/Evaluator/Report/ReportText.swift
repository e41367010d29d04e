public import Diagnostics
import Netfilter
public import Wire
import XTables

extension PathReport {
  /// The report as text: the packet's path, then the path of each packet that the host made.
  ///
  /// - Parameters:
  ///   - title: the heading of the packet's path; its short form by default.
  ///   - given: the packet as it arrived or was sent; nil if the title shows it.
  ///   - source: returns the file with the rules of a family, to print line numbers.
  ///   - unasked: returns the tables that a packet did not pass, see ``Simulator/unaskedTables(by:)``.
  public func text(
    title: String? = nil, given: Packet? = nil, _ source: (Family) -> SourceFile? = { _ in nil },
    unasked: (PacketReport) -> [UnaskedTable] = { _ in [] }
  ) -> String {
    packets.enumerated().map { index, packet in
      let left = departures.first { _ in packet.origin == .own }?.packet.brief
      let heading = index == 0 ? title ?? packet.packet.brief : "  the host sends \(packet.packet.brief)"
      return packet.lines(
        heading, given: index == 0 ? given : nil, left: left, unasked(packet), indent: index == 0 ? "  " : "    ", source(packet.family))
    }.flatMap { $0 }.map { Escaping.line($0) + "\n" }.joined() + (omittedCopies > 0 ? "  … \(omittedCopies) more copies\n" : "")
  }
}

extension PacketReport {
  fileprivate func lines(
    _ title: String, given: Packet?, left: String?, _ unasked: [UnaskedTable], indent: String, _ source: SourceFile?
  ) -> [String] {
    var lines: [String] = []
    for passage in passages { lines += passage.lines(source) }
    for stay in queueStays {
      let answer = stay.answer.map { "\($0)" } ?? "held"
      lines.append("queue \(stay.queue) at \(stay.hook.name): \(answer)")
    }
    for log in logs { lines.append("\(log)") }
    for note in notes { lines.append(note) }
    if omittedRecords > 0 { lines.append("… \(omittedRecords) more log lines, messages and notes") }
    for table in unasked { lines.append("\(table.table.rawValue): not asked: \(table.reason)") }
    lines.append("→ \(verdict.text)" + form(besides: title, given: given, left: left))
    return [title] + lines.map { indent + $0 }
  }
}

extension PathReport {
  /// ` as ` and the form in which the packet ended, if it is not that of the title; otherwise empty.
  public func form(besides title: String, given: Packet?) -> String {
    packets.first?.form(besides: title, given: given, left: departures.first?.packet.brief) ?? ""
  }
}

extension PacketReport {
  /// ` as ` and the form in which the packet ended, if translation or the like changed it; empty if it is that of the title.
  ///
  /// - Parameters:
  ///   - title: the heading of the packet's path.
  ///   - given: the packet as it arrived or was sent; nil if the title shows it.
  ///   - left: the short form of the frame that left.
  fileprivate func form(besides title: String, given: Packet?, left: String?) -> String {
    let ended: String? =
      switch verdict {
      case .sent: left
      case .refused: nil
      default: packet.brief
      }
    // Notation has other words than the short form for some packets: nothing has changed if the bytes show the same.
    switch verdict {
    case .sent, .delivered: break
    default: if given?.brief == ended { return "" }
    }
    guard let ended, !title.replacing(" > ", with: ">").contains(ended) else { return "" }
    return " as \(ended)"
  }
}

extension HookPassage {
  fileprivate func lines(_ source: SourceFile?) -> [String] {
    var heading = hook.name
    // POSTROUTING rules cannot match the input interface.
    if let input, hook != .postrouting { heading += " in \(input)" }
    if let output { heading += " out \(output)" }
    if markBefore != 0 { heading += " mark 0x\(String(markBefore, radix: 16))" }
    var lines = [heading]
    for operation in operations {
      if operation.steps.isEmpty, operation.outcome != "accept" { lines.append("  \(operation.name): \(operation.outcome)") }
      lines += operation.trace?.lines(source).map { "  " + $0 } ?? []
    }
    return lines
  }
}

extension RuleTrace {
  /// One line for each recorded entry, and one with the number of omitted entries.
  fileprivate func lines(_ source: SourceFile?) -> [String] {
    var lines = steps.map { $0.text(source) }
    if omitted > 0 { lines.insert("… \(omitted) more entries", at: lines.count - 1) }
    return lines
  }
}

extension RuleStep {
  /// `filter INPUT rule 3 (rules.v4:12): -p tcp -j ACCEPT`; without a file only the target.
  func text(_ file: SourceFile?) -> String {
    var line = "\(tableTitle) \(chain) "
    switch kind {
    case .rule: line += "rule \(number)"
    case .policy: line += "policy"
    case .return: line += "end"
    }
    guard let file, let source else { return action.isEmpty ? line : "\(line): \(action)" }
    line += " (\(file.name):\(file.position(of: Int(source.lowerBound)).line))"
    let words = kind == .rule ? written(in: file, source) : action
    return words.isEmpty ? line : "\(line): \(words)"
  }

  /// The rule's line without counters and command.
  private func written(in file: SourceFile, _ source: SourceRange) -> String {
    var text = Substring(String(decoding: file.bytes[source.range], as: UTF8.self))
    if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
      text = text[text.index(after: close)...].drop { $0 == " " }
    }
    for command in ["-A \(chain)", "--append \(chain)"] where text.hasPrefix(command) {
      text = text.dropFirst(command.count).drop { $0 == " " }
    }
    return String(text)
  }
}

extension LogRecord: CustomStringConvertible {
  /// The message as a line of text.
  public var description: String {
    switch self {
    case .line(let level, let text): "log <\(level)> \(text)"
    case .group(let group, let prefix): "nflog \(group) \"\(prefix)\""
    }
  }
}

extension PacketVerdict {
  /// The kind of verdict as one word.
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

  /// The verdict as a short sentence.
  public var text: String {
    switch self {
    case .sent(let output): return "sent through \(output)"
    case .delivered: return "delivered to this host"
    case .dropped(let hook, let step, let reason):
      return "dropped at \(hook.name)" + (step.map { " by \($0.name)" } ?? "") + (reason.isEmpty ? "" : ": \(reason)")
    case .lost(let reason): return "lost: \(reason)"
    case .queued(let number, let hook): return "held in queue \(number) at \(hook.name)"
    case .absorbed(let hook): return "held for reassembly" + (hook.map { " at \($0.name)" } ?? "")
    case .refused(let reason): return "refused: \(reason)"
    case .unknown(let reason, let hook): return "unknown" + (hook.map { " at \($0.name)" } ?? "") + ": \(reason.sentence)"
    }
  }
}

extension RuleStep {
  /// `filter INPUT rule 3`, `filter INPUT policy`; of a rule of nf_tables also its text, which is in no file of rules.
  fileprivate var name: String {
    "\(tableTitle) \(chain) \(kind.rawValue)" + (kind == .rule ? " \(number)" : "") + (owner != nil && kind == .rule ? ": \(action)" : "")
  }
}
