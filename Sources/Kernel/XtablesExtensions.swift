internal import Glibc
internal import Synchronization
public import Wire
public import XTables

/// The matches and targets that libxtables has as files of their own, such as those of xtables-addons.
///
/// libxtables and what it loads end the process over a mistake, so `ferrule-xtables` loads them: one process for each extension
/// that a ruleset uses, and one for each family that looks for names.
public final class XtablesExtensions: ForeignExtensions {
  public static let programName = "ferrule-xtables"

  private struct Question: Hashable {
    let kind: ExtensionDescriptor.Kind
    let name: String
    let revision: UInt8?
    let family: Family
  }

  private struct Memory {
    var answers: [Question: ForeignAnswer] = [:]
    /// Processes that have loaded nothing yet.
    var seekers: [Family: FramedProcess] = [:]
  }

  private let starter: XtablesStarter
  private let memory = Mutex(Memory())
  private let collected = Mutex<[String]>([])

  /// - Parameters:
  ///   - program: the path of `ferrule-xtables`.
  ///   - libraries: the folder of the extensions, where it is not the one that libxtables looks into by itself.
  ///   - asksKernel: the revision used is the newest that the running kernel has, not the newest of all.
  ///   - patience: how long an extension may take over one answer.
  public init(program: String, libraries: String? = nil, asksKernel: Bool = false, patience: Duration = .seconds(10)) {
    let environment = libraries.map { ["XTABLES_LIBDIR=" + $0] } ?? []
    starter = XtablesStarter(program: program, environment: environment, asksKernel: asksKernel, patience: patience)
  }

  /// Those that the program lying beside this process's own finds.
  public static func besideThisProgram(asksKernel: Bool = false) -> XtablesExtensions {
    let own = unsafe realpath("/proc/self/exe", nil)
    defer { unsafe free(own) }
    let path = unsafe own.map { unsafe String(cString: $0) } ?? programName
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    return XtablesExtensions(program: folder + programName, asksKernel: asksKernel)
  }

  public var complaints: [String] { collected.withLock { $0 } }

  public func find(
    _ kind: ExtensionDescriptor.Kind, named name: String, revision: UInt8?, _ family: Family
  ) -> ForeignAnswer {
    // A path would lead out of the folder of extensions.
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
      throw OptionError("foreign-failure", "libxtables cannot be asked for it: there is no program \(starter.program)")
    }
    let seeker: FramedProcess
    if let idle = memory.seekers.removeValue(forKey: question.family) { seeker = idle } else { seeker = try starter.start(question.family) }
    switch try starter.ask(seeker, .load(question.kind, named: question.name, revision: question.revision)) {
    case .done(let bytes):
      var fields = XtablesFields(bytes)
      guard let facts = fields.facts(question.kind, question.family), fields.isAtEnd else {
        throw OptionError("foreign-failure", "its extension of libxtables declares what cannot be")
      }
      // The marks of the options a rule has given have room for so many.
      guard facts.options.count <= 64 else {
        throw OptionError("foreign-failure", "its extension of libxtables has \(facts.options.count) options, more than can be kept apart")
      }
      let found = XtablesExtension(facts, seeker, starter) { [weak self] sentence in self?.collect(sentence) }
      return .found(ExtensionDescriptor(foreign: found))
    case .absent(let reason):
      // libxtables remembers the name as one it does not have, whatever the revision was.
      if question.revision == nil { memory.seekers[question.family] = seeker }
      let sentence = Self.oneLine(reason)
      return .absent(reason: sentence.isEmpty ? nil : sentence)
    case .refused(_, let message): return .absent(reason: Self.oneLine(message))
    case .exited(let status, let text):
      return .absent(reason: Self.oneLine(text.isEmpty ? "its extension of libxtables ended with status \(status)" : text))
    }
  }

  private func collect(_ sentence: String) {
    collected.withLock { if !$0.contains(sentence) { $0.append(sentence) } }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}
