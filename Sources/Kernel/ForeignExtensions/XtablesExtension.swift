internal import Diagnostics
internal import Synchronization
internal import Wire
internal import XTables

/// One extension of libxtables, loaded in a separate process.
final class XtablesExtension: ForeignExtension {
  let facts: ForeignFacts
  private let starter: XtablesStarter
  private let process: Mutex<FramedProcess?>
  private let complain: @Sendable (String) -> Void
  private let helpText = Mutex<String?>(nil)

  /// - Parameter process: the process that loaded the extension.
  init(_ facts: ForeignFacts, _ process: FramedProcess, _ starter: XtablesStarter, complain: @escaping @Sendable (String) -> Void) {
    self.facts = facts
    self.process = Mutex(process)
    self.starter = starter
    self.complain = complain
  }

  func read(_ call: ForeignOptionCall, into state: [UInt8]) throws(OptionError) -> (state: [UInt8], words: Int) {
    var fields = try fields(of: .option(call, state: state, program: facts.family.command))
    guard let (all, structure) = fields.state(), let words = fields.word(), structure.count == facts.size, fields.isAtEnd else {
      throw nonsense
    }
    return (all, Int(words))
  }

  func finish(_ state: [UInt8]) throws(OptionError) -> (structure: [UInt8], holdsAddress: Bool) {
    var fields = try fields(of: .finish(state: state))
    guard let (_, structure) = fields.state(), let holdsAddress = fields.byte(), structure.count == facts.size, fields.isAtEnd else {
      throw nonsense
    }
    return (structure, holdsAddress != 0)
  }

  func text(of payload: [UInt8], protocolNumber: UInt8, _ form: ForeignTextForm) -> ForeignText? {
    do throws(OptionError) {
      var fields = try fields(of: .print(Array(payload.prefix(facts.size)), protocolNumber: protocolNumber, form))
      guard let name = fields.text(), let isPrinted = fields.byte(), let text = fields.bytes(), fields.isAtEnd,
        StructureBytes.canName(facts.kind, name)
      else { throw nonsense }
      guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        throw failure("its libxtables extension printed something that is not a line of text")
      }
      return ForeignText(name: name, bytes: isPrinted == 0 ? nil : text)
    } catch {
      let sentence = error.message.split(whereSeparator: \.isNewline).joined(separator: "; ")
      complain("\(sentence.hasPrefix(label) ? "" : label + ": ")\(sentence)")
      return nil
    }
  }

  var help: String {
    helpText.withLock { known in
      if let known { return known }
      var text: String?
      if var fields = try? fields(of: .help) { text = fields.text() }
      known = text ?? ""
      return text ?? ""
    }
  }

  private var label: String { "\(facts.kind == .match ? "-m" : "-j") \(facts.name)" }

  private var nonsense: OptionError { failure("its libxtables extension gave an invalid answer") }

  private func failure(_ sentence: String) -> OptionError {
    OptionError("foreign-failure", "\(label): \(sentence)", legacyStatus: .otherProblem)
  }

  /// The fields of the answer to a request. A failed process is replaced at the next request.
  private func fields(of request: XtablesRequest) throws(OptionError) -> XtablesFields {
    let outcome = process.withLock { current -> Result<XtablesAnswer, OptionError> in
      do throws(OptionError) {
        let usable: FramedProcess
        if let known = current { usable = known } else { usable = try restarted() }
        current = nil
        let answer = try starter.ask(usable, request)
        if case .done = answer { current = usable }
        return .success(answer)
      } catch {
        return .failure(failure(error.message))
      }
    }
    switch try outcome.get() {
    case .done(let bytes): return XtablesFields(bytes)
    case .absent: throw nonsense
    case .refused(let status, let message):
      throw OptionError("foreign-refusal", message, legacyStatus: LegacyStatus(rawValue: Int32(status)) ?? .otherProblem)
    case .exited(let status, let text):
      throw OptionError(
        "foreign-exit", text.isEmpty ? "\(label): its libxtables extension ended with status \(status)" : text,
        legacyStatus: LegacyStatus(rawValue: Int32(status)) ?? .otherProblem)
    }
  }

  private func restarted() throws(OptionError) -> FramedProcess {
    let fresh = try starter.start(facts.family)
    guard case .done = try starter.ask(fresh, .load(facts.kind, named: facts.name, revision: facts.revision)) else { throw nonsense }
    return fresh
  }
}

/// Starts and queries `ferrule-xtables`.
struct XtablesStarter: Sendable {
  let program: String
  let environment: [String]
  let asksKernel: Bool
  let patience: Duration

  func start(_ family: Family) throws(OptionError) -> FramedProcess {
    do throws(KernelError) {
      return try FramedProcess(program, [family == .ipv4 ? "ipv4" : "ipv6"] + (asksKernel ? ["--ask-kernel"] : []), environment)
    } catch {
      throw OptionError("foreign-failure", "\(error)")
    }
  }

  /// - Throws: `OptionError` with the reason why the process gave no answer.
  func ask(_ process: FramedProcess, _ request: XtablesRequest) throws(OptionError) -> XtablesAnswer {
    let bytes: [UInt8]
    do throws(FramedProcess.Failure) {
      bytes = try process.answer(to: request.bytes, within: patience)
    } catch {
      throw OptionError("foreign-failure", "its libxtables extension \(error.sentence)")
    }
    guard let answer = XtablesAnswer(bytes) else {
      throw OptionError("foreign-failure", "its libxtables extension gave an invalid answer")
    }
    return answer
  }
}
