import Compiler
import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// Runs `iptables` and `ip6tables`. The corresponding C function is `iptables_main`.
extension Session {
  mutating func command(_ arguments: [String], _ family: Family) throws(Exit) -> Int32 {
    let parser = CommandParser(registry: registry, names: names, family: family, isRestore: false)
    let pending = try read(Self.tokens(arguments), parser)
    if answer(pending, family) { return 0 }
    let lock = try lock(pending.flags.wait)
    defer { withExtendedLifetime(lock) {} }
    let editor = try open(pending.tableName, family, modprobe: pending.flags.modprobe)
    let command = try resolve(pending, editor, line: nil)
    try checkForm(command, family, line: nil)
    do throws(KernelError) {
      try perform(command, editor, family)
      try editor.commit()
    } catch {
      throw failure(error)
    }
    return 0
  }

  /// Prints help or version. Returns true if the command asked for one of them, so that nothing else is to be done.
  mutating func answer(_ pending: borrowing PendingCommand, _ family: Family) -> Bool {
    if pending.flags.showsVersion {
      print(pending.flags.isVersionDenied ? "Not \(Self.version) (\(variant)) ;-)" : versionLine)
      return true
    }
    if pending.flags.showsHelp { put(Help.text(versionLine, name, family, pending.helpSubjects)) }
    return pending.flags.showsHelp
  }

  /// Parses the words and prints the notices of the parser.
  private func read(_ words: [Token], _ parser: CommandParser) throws(Exit) -> PendingCommand {
    var notices: [String] = []
    defer { complain(notices) }
    do throws(OptionError) {
      return try parser.read(LineWords(words), table: .filter, range: SourceRange(0..<0), notices: &notices)
    } catch {
      complain(notices)
      notices = []
      throw failure(error)
    }
  }

  /// Resolves the target: a chain or an extension.
  func resolve(_ pending: consuming PendingCommand, _ editor: borrowing TableEditor, line: Int?) throws(Exit) -> Command {
    var notices: [String] = []
    var target: String?
    do throws(OptionError) {
      let command = try pending.resolved(notices: &notices) { name in
        target = name
        return editor.isChain(name)
      }
      complain(notices)
      return command
    } catch {
      complain(notices)
      if backend == .nft, let target, error.id == "unknown-target" || error.id == "goto-no-chain" {
        throw failure(2, "Chain '\(target)' does not exist", line: line)
      }
      throw failure(error, line: line)
    }
  }

  /// Refuses a rule that iptables-nft does not write.
  func checkForm(_ command: Command, _ family: Family, line: Int?) throws(Exit) {
    guard backend == .nft else { return }
    for rule in command.rules {
      do throws(NativeRuleEncoder.Inexpressible) { _ = try NativeRuleEncoder(family).expressions(rule) } catch {
        throw failure(2, error.reason, line: line)
      }
    }
  }

  private func open(_ table: String, _ family: Family, modprobe: String?) throws(Exit) -> TableEditor {
    do throws(KernelError) {
      return try editor(family, table, modprobe: modprobe)
    } catch {
      let sentence = error.message ?? error.error?.text ?? error.description
      if backend == .nft { throw error.error == nil ? failure(3, sentence) : failure(error) }
      throw failure(3, "can't initialize \(family.command) table `\(table)': \(sentence)")
    }
  }

  /// The arguments of a command line as tokens. Their ranges are places in the line that joins the arguments with blanks.
  static func tokens(_ arguments: [String]) -> [Token] {
    var at = 0
    return arguments.map { argument in
      let bytes = ArraySlice(argument.utf8)
      defer { at += bytes.count + 1 }
      return Token(bytes, at: SourceRange(at..<at + bytes.count))
    }
  }
}
