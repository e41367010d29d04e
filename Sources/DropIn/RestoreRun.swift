import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// The state of a restore while its lines are read.
///
/// Every line changes libiptc's copy of the table at once, and `COMMIT` passes that copy to the kernel. With `-n`, existing rules
/// keep their counters, including what they count in the meantime.
struct RestoreRun {
  private let options: Session.RestoreOptions
  private let family: Family
  private var parser: CommandParser
  /// The number of the last line, from 1.
  private(set) var line = 0
  /// The name of the last table, open or not.
  private var tableName = ""
  private var open: OpenTable?

  /// A table between its `*` line and its `COMMIT`, with the xtables lock, which is held for that time.
  private final class OpenTable {
    let editor: TableEditor
    let lock: XtablesLock?
    /// The table by whose rules the parser reads lines; `filter` for a name that is none of the five.
    let name: TableName
    /// For each chain, the lines of the rules that were appended to it.
    var lines: [String: [Int]] = [:]

    init(_ editor: consuming TableEditor, _ lock: consuming XtablesLock?, _ name: TableName) {
      self.editor = editor
      self.lock = lock
      self.name = name
    }
  }

  init(options: Session.RestoreOptions, family: Family, session: Session) {
    self.options = options
    self.family = family
    parser = CommandParser(registry: session.registry, names: session.names, family: family)
  }

  var isInTable: Bool { open != nil }

  /// Reads complete lines. The last line of the input may lack its newline.
  mutating func read(_ bytes: [UInt8], session: inout Session) throws(Session.Exit) {
    let file = SourceFile(name: "", bytes: bytes)
    let hasNUL = bytes.contains(0)
    var start = 0
    while start < bytes.count {
      let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
      let end = newline ?? bytes.count
      let next = newline.map { $0 + 1 } ?? end
      if next - start > RulesetParser.longestLine {
        try readPieces(bytes[start..<next], session: &session)
      } else {
        line += 1
        let stop = hasNUL ? bytes[start..<end].firstIndex(of: 0) ?? end : end
        try read(file, start..<stop, isTerminated: newline == stop, session: &session)
      }
      start = next
    }
  }

  /// Reads a line that is longer than the buffer of `fgets`: iptables-restore reads it in pieces, each as a line of its own.
  private mutating func readPieces(_ long: ArraySlice<UInt8>, session: inout Session) throws(Session.Exit) {
    var rest = long
    while !rest.isEmpty {
      let piece = Array(rest.prefix(RulesetParser.longestLine))
      rest = rest.dropFirst(piece.count)
      line += 1
      let end = piece.last == UInt8(ascii: "\n") ? piece.count - 1 : piece.count
      let stop = piece.firstIndex(of: 0) ?? end
      try read(SourceFile(name: "", bytes: piece), 0..<stop, isTerminated: stop == end && end < piece.count, session: &session)
    }
  }

  private mutating func read(
    _ file: SourceFile, _ range: Range<Int>, isTerminated: Bool, session: inout Session
  ) throws(Session.Exit) {
    do throws(Session.Exit) {
      try readLine(file, range, isTerminated: isTerminated, session: &session)
    } catch {
      // iptables-nft-restore performs the commands, and reports them, when it commits.
      if session.backend == .nft, error.status == 2 { session.discardOutput() }
      throw error
    }
  }

  private mutating func readLine(
    _ file: SourceFile, _ range: Range<Int>, isTerminated: Bool, session: inout Session
  ) throws(Session.Exit) {
    let text = file.bytes[range]
    var isDone = true
    switch (text.first, open) {
    case (nil, _) where isTerminated: return
    case (UInt8(ascii: "#"), _):
      if options.verbosity > 0 {
        session.put(file.bytes[range.lowerBound..<(range.upperBound + (isTerminated ? 1 : 0))])
        // A process that feeds the lines waits for this one to come back.
        session.flush()
      }
      return
    case (UInt8(ascii: "*"), nil): isDone = try begin(Session.fields(text), &session)
    case (_, nil): isDone = false
    case (UInt8(ascii: "C"), let table?) where isTerminated && text.elementsEqual("COMMIT".utf8):
      open = nil
      isDone = try commit(table, &session)
    case (UInt8(ascii: ":"), let table?): try declare(Session.fields(text), in: table, session)
    case (_, let table?): isDone = try command(file, range, in: table, &session)
    }
    if !isDone, options.table == nil || options.table == tableName {
      throw Session.Exit(status: 1, message: "\(session.name): line \(line) failed\n")
    }
  }

  // MARK: Tables

  /// - Returns: whether the table was opened.
  private mutating func begin(_ fields: [ArraySlice<UInt8>], _ session: inout Session) throws(Session.Exit) -> Bool {
    let lock = try session.lock(options.wait)
    guard let name = fields.first.map({ String(decoding: $0, as: UTF8.self) }) else {
      throw session.failure(2, "\(session.name): line \(line) table name invalid", line: line)
    }
    tableName = name
    if let only = options.table, only != name { return false }
    let editor: TableEditor
    do throws(KernelError) {
      editor = try session.editor(family, name, modprobe: options.modprobe)
    } catch {
      if session.backend == .nft, error.error != nil { throw session.failure(error) }
      let what = session.backend == .nft ? "line \(line) table name '\(name)' invalid" : "unable to initialize table '\(name)'"
      throw session.failure(2, "\(session.name): \(what)", line: line)
    }
    if !options.keepsExisting {
      // A failure here is reported by the commit.
      let isVerbose = options.verbosity > 0 && !isSilent(session)
      try? session.flush(nil, editor, isVerbose: isVerbose)
      try? session.deleteChains(nil, editor, isVerbose: isVerbose)
      try? editor.clear()
    }
    open = OpenTable(editor, lock, TableName(rawValue: name) ?? .filter)
    return true
  }

  private func commit(_ table: OpenTable, _ session: inout Session) throws(Session.Exit) -> Bool {
    // iptables-nft-restore leaves its output to the end of the process.
    if session.backend == .legacy { session.flush() }
    if options.isTest { return true }
    do throws(KernelError) { try table.editor.commit() } catch {
      guard session.backend == .nft else { return false }
      throw session.failure(error, at: line(of: error, in: table))
    }
    return true
  }

  /// The line of the rule that the kernel refused; the last line if it was not appended by one.
  private func line(of error: KernelError, in table: OpenTable) -> Int {
    guard let rule = error.rule, let lines = table.lines[rule.chain] else { return line }
    var count = 0
    try? table.editor.forEachRule(of: rule.chain, parser.registry) { _ in count += 1 }
    let place = rule.rule - 1 - (count - lines.count)
    return lines.indices.contains(place) ? lines[place] : line
  }

  // MARK: Chains

  private mutating func declare(_ fields: [ArraySlice<UInt8>], in table: OpenTable, _ session: Session) throws(Session.Exit) {
    guard let chain = fields.first.map({ String(decoding: $0, as: UTF8.self) }) else {
      throw session.failure(2, "\(session.name): line \(line) chain name invalid", line: line)
    }
    if chain.utf8.count >= 29 {
      throw session.failure(2, "Invalid chain name `\(chain)' (28 chars max)", line: line)
    }
    if let bytes = fields.first, String(validating: bytes, as: UTF8.self) == nil {
      throw session.failure(2, "chain name `\(chain)' is not UTF-8", line: line)
    }
    try makeChain(chain, in: table.editor, session)
    guard fields.count > 1 else {
      throw session.failure(2, "\(session.name): line \(line) policy invalid", line: line)
    }
    if !fields[1].elementsEqual("-".utf8) { try setPolicy(fields, of: chain, in: table.editor, session) }
  }

  private mutating func makeChain(_ chain: String, in editor: borrowing TableEditor, _ session: Session) throws(Session.Exit) {
    if editor.isBuiltin(chain) { return try need(chain, in: editor, session) }
    let isThere = options.keepsExisting && editor.isChain(chain)
    do throws(KernelError) {
      if options.keepsExisting { try editor.declareChain(chain) } else { try editor.createChain(chain) }
      parser = parser.announcing(chain: chain)
    } catch {
      let doing = isThere ? "flushing" : "creating"
      throw session.failure(2, "error \(doing) chain '\(chain)':\(error.error?.text ?? "")", line: line)
    }
  }

  private func need(_ chain: String, in editor: borrowing TableEditor, _ session: Session) throws(Session.Exit) {
    do throws(KernelError) { try editor.needChain(chain) } catch { throw session.failure(error, at: line) }
  }

  private func setPolicy(
    _ fields: [ArraySlice<UInt8>], of chain: String, in editor: borrowing TableEditor, _ session: Session
  ) throws(Session.Exit) {
    let policy = String(decoding: fields[1], as: UTF8.self)
    // iptables-nft ignores the policy of a user chain.
    if session.backend == .nft, !editor.isBuiltin(chain) { return }
    var counters = Counters()
    if options.counters {
      guard fields.count > 2, let read = RuleCounters.counters(fields[2]) else {
        throw session.failure(2, "invalid policy counters for chain '\(chain)'", line: line)
      }
      counters = read
    }
    do throws(KernelError) {
      try editor.setPolicy(policy, of: chain, counters: counters)
    } catch {
      throw session.failure(
        1, "Can't set policy `\(policy)' on `\(chain)' line \(line): \(error.message ?? "")", line: line)
    }
  }

  // MARK: Rules

  /// - Returns: whether libiptc accepted the command.
  private func command(
    _ file: SourceFile, _ range: Range<Int>, in table: OpenTable, _ session: inout Session
  ) throws(Session.Exit) -> Bool {
    var notices: [String] = []
    let pending: PendingCommand
    do throws(OptionError) {
      let counters = try RuleCounters(of: file.bytes[range], line: line)
      var words = try Lexer.words(of: file.bytes, in: counters.rest, takesNewline: true) { _ in }
      if options.counters { words.prepend(counters.words) }
      words.prepend(isSilent(session) ? [] : verbosity)
      pending = try parser.read(
        words, table: table.name, range: SourceRange(range), notices: &notices)
    } catch {
      session.complain(notices)
      throw session.failure(error, line: line)
    }
    session.complain(notices)
    if pending.isIgnored {
      if pending.flags.verbosity > 1 {
        session.flush()
        table.editor.dump()
      }
      return true
    }
    if session.answer(pending, family) { throw Session.Exit(status: 0, message: "") }
    if isSilent(session) { return true }
    let command = try session.resolve(pending, table.editor, line: line)
    try session.checkForm(command, family, line: line)
    do throws(KernelError) { try session.perform(command, table.editor, family) } catch {
      guard session.backend == .nft else { return false }
      throw session.failure(error, at: line)
    }
    if case .append = command.verb { table.lines[command.chain ?? "", default: []].append(line) }
    return true
  }

  /// iptables-nft-restore performs the commands at the end, and with --test does not.
  private func isSilent(_ session: Session) -> Bool { session.backend == .nft && options.isTest }

  /// The `-v` options of the program, which are added to each command, but not with `-n`.
  private var verbosity: [Token] {
    options.keepsExisting ? [] : Array(repeating: Token("-v"), count: options.verbosity)
  }
}
