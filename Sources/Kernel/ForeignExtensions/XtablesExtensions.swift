internal import Glibc
internal import Synchronization
public import Wire
public import XTables

/// The matches and targets that libxtables loads from separate files, such as those of xtables-addons.
///
/// libxtables and its extensions end the process on an error, so they are loaded by `ferrule-xtables`: one process for each extension
/// that a ruleset uses, and one for each family to look up names.
public final class XtablesExtensions: ForeignExtensions {
  /// The file name of the program that loads extensions.
  public static let programName = "ferrule-xtables"

  private struct Question: Hashable {
    let kind: ExtensionDescriptor.Kind
    let name: String
    let revision: UInt8?
    let family: Family
  }

  private struct Memory {
    var answers: [Question: ForeignAnswer] = [:]
    /// Processes that have not loaded an extension yet.
    var seekers: [Family: FramedProcess] = [:]
  }

  private let starter: XtablesStarter
  private let memory = Mutex(Memory())
  private let collected = Mutex<[String]>([])

  /// - Parameters:
  ///   - program: the path of `ferrule-xtables`.
  ///   - libraries: the folder of the extensions; nil for libxtables' own default.
  ///   - asksKernel: uses the newest revision that the running kernel has; otherwise the newest of all.
  ///   - patience: the most time that an extension may take for one answer.
  public init(program: String, libraries: String? = nil, asksKernel: Bool = false, patience: Duration = .seconds(10)) {
    let environment = libraries.map { ["XTABLES_LIBDIR=" + $0] } ?? []
    starter = XtablesStarter(program: program, environment: environment, asksKernel: asksKernel, patience: patience)
  }

  /// The extensions found by the `ferrule-xtables` in the folder of this process's own program.
  public static func besideThisProgram(asksKernel: Bool = false) -> XtablesExtensions {
    let own = unsafe realpath("/proc/self/exe", nil)
    defer { unsafe free(own) }
    let path = unsafe own.map { unsafe String(cString: $0) } ?? programName
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    return XtablesExtensions(program: folder + programName, asksKernel: asksKernel)
  }

  /// The sentences that explain why extensions could not be used, in the order in which they occurred.
  public var complaints: [String] { collected.withLock { $0 } }

  /// Looks up an extension by name in a helper process.
  ///
  /// - Parameter revision: the revision wanted; nil for the newest.
  /// - Returns: the extension, or why it is absent.
  public func find(
    _ kind: ExtensionDescriptor.Kind, named name: String, revision: UInt8?, _ family: Family
  ) -> ForeignAnswer {
    // A path would leave the folder of extensions.
    guard StructureBytes.canName(kind, name), !name.utf8.contains(UInt8(ascii: "/")) else { return .absent(reason: nil) }
    let question = Question(kind: kind, name: name, revision: revision, family: family)
    return memory.withLock { memory in
      if let known = memory.answers[question] { return known }
      let answer: ForeignAnswer
      do throws(OptionError) {
        answer = try seek(question, &memory)
      } catch {
        answer = .absent(reason: error.message)
      }
      memory.answers[question] = answer
      return answer
    }
  }

  private func seek(_ question: Question, _ memory: inout Memory) throws(OptionError) -> ForeignAnswer {
    guard unsafe access(starter.program, X_OK) == 0 else {
      throw OptionError("foreign-failure", "libxtables cannot be used: the program \(starter.program) is missing")
    }
    let seeker: FramedProcess
    if let idle = memory.seekers.removeValue(forKey: question.family) { seeker = idle } else { seeker = try starter.start(question.family) }
    switch try starter.ask(seeker, .load(question.kind, named: question.name, revision: question.revision)) {
    case .done(let bytes):
      var fields = XtablesFields(bytes)
      guard let facts = fields.facts(question.kind, question.family), fields.isAtEnd else {
        throw OptionError("foreign-failure", "its libxtables extension has an invalid declaration")
      }
      // A rule's option marks are a 64-bit mask.
      guard facts.options.count <= 64 else {
        throw OptionError("foreign-failure", "its libxtables extension has too many options: \(facts.options.count)")
      }
      let found = XtablesExtension(facts, seeker, starter) { [weak self] sentence in self?.collect(sentence) }
      return .found(ExtensionDescriptor(foreign: found))
    case .absent(let reason):
      // libxtables then remembers the name as absent, whatever the revision was.
      if question.revision == nil { memory.seekers[question.family] = seeker }
      let sentence = Self.oneLine(reason)
      return .absent(reason: sentence.isEmpty ? nil : sentence)
    case .refused(_, let message): return .absent(reason: Self.oneLine(message))
    case .exited(let status, let text):
      return .absent(reason: Self.oneLine(text.isEmpty ? "its libxtables extension ended with status \(status)" : text))
    }
  }

  private func collect(_ sentence: String) {
    collected.withLock { if !$0.contains(sentence) { $0.append(sentence) } }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}
