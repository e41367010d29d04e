import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// `iptables-restore` and `ip6tables-restore`; the corresponding C function is `ip46tables_restore_main`.
extension Session {
  struct RestoreOptions {
    var counters = false
    var verbosity = 0
    var isTest = false
    var keepsExisting = false
    var table: String?
    var wait: Int?
    var file: String?
  }

  mutating func restore(_ arguments: [String], _ family: Family) throws(Exit) -> Int32 {
    guard let options = try restoreOptions(arguments) else { return 0 }
    let bytes: [UInt8]
    do {
      bytes = try read(options.file)
    } catch {
      throw Exit(status: 1, message: "Can't open \(options.file ?? "standard input"): \(error)\n")
    }
    let file = SourceFile(name: options.file ?? "<stdin>", bytes: bytes)
    let parser = RulesetParser(
      registry: registry, names: names, family: family, needsCounters: options.counters,
      keepsExisting: options.keepsExisting)
    var run = RestoreRun(options: options, family: family, session: self)
    defer { output = run.session.output }
    do throws(OptionError) {
      try parser.restore(file, only: options.table, to: &run)
    } catch {
      if let exit = run.exit { throw exit }
      throw refusal(error, in: file)
    }
    return 0
  }

  /// How iptables-restore words the first mistake: its own for lines it cannot place, the parser's for what stands in them.
  private func refusal(_ error: OptionError, in file: SourceFile) -> Exit {
    let line = error.range.map { file.position(of: $0.range.lowerBound).line } ?? file.lineCount
    if error.id == "missing-commit" {
      return Exit(status: 1, message: "\(program.name): \(error.message)\n")
    }
    if error.legacyStatus == .otherProblem, !error.message.hasPrefix("Can't set policy") {
      return Exit(status: 1, message: "\(program.name): line \(line) failed\n")
    }
    return failure(error, line: line)
  }

  private mutating func restoreOptions(_ arguments: [String]) throws(Exit) -> RestoreOptions? {
    var scanner = ShortOptions(arguments, known: "bcvVthnwWM:T:", long: [
      "binary": "b", "counters": "c", "verbose": "v", "version": "V", "test": "t", "help": "h", "noflush": "n",
      "modprobe": "M", "table": "T", "wait": "w", "wait-interval": "W",
    ])
    var options = RestoreOptions()
    var hasInterval = false
    while let option = scanner.next() {
      switch option {
      case .found("b", _): errors += "-b/--binary option is not implemented\n"
      case .found("c", _): options.counters = true
      case .found("v", _): options.verbosity += 1
      case .found("t", _): options.isTest = true
      case .found("n", _): options.keepsExisting = true
      case .found("T", let value): options.table = value
      case .found("w", _): options.wait = try seconds(scanner.looseArgument()) ?? -1
      case .found("W", _):
        _ = try seconds(scanner.looseArgument())
        hasInterval = true
      case .found("V", _):
        print("\(program.name) v\(Self.version) (legacy)")
        return nil
      case .found("h", _):
        errors += Help.restoreUsage(program.name)
        return nil
      case .found: break
      case .unknown, .missing:
        throw Exit(status: 1, message: "Try `\(program.name) -h' for more information.\n")
      case .argument(let word):
        if options.file != nil { throw Exit(status: 1, message: "Unknown arguments found on commandline\n") }
        options.file = word
      }
    }
    if hasInterval, options.wait == nil {
      throw Exit(status: 1, message: "Option --wait-interval requires option --wait\n")
    }
    return options
  }

  private func seconds(_ text: String?) throws(Exit) -> Int? {
    guard let text else { return nil }
    guard let number = Int(text), number >= 0 else { throw failure(2, "wait seconds not numeric") }
    return number
  }
}

/// What a restore does to the kernel, table by table.
private struct RestoreRun: RestoreTarget {
  let options: Session.RestoreOptions
  let family: Family
  var session: Session
  /// What made the restore stop, where it was not a mistake in the text.
  var exit: Session.Exit?

  mutating func begin(_ name: TableName) throws(OptionError) -> Table? {
    do throws(KernelError) {
      let table = try RawTable.read(family, name.rawValue).typed(session.registry)
      announceFlush(table)
      return table
    } catch {
      if options.keepsExisting || error.error != nil {
        exit = session.failure(2, "unable to initialize table '\(name.rawValue)'")
        if case .malformed = error.reason { exit = session.failure(1, error.description) }
        throw OptionError("kernel", error.description)
      }
      return nil
    }
  }

  /// With `-v` iptables-restore says which chains it empties and deletes.
  private mutating func announceFlush(_ table: Table) {
    guard options.verbosity > 0, !options.keepsExisting else { return }
    let chains = table.chainsInSaveOrder
    for chain in chains { session.print("Flushing chain `\(chain.name)'") }
    for chain in chains where !chain.isBuiltin { session.print("Deleting chain `\(chain.name)'") }
  }

  mutating func comment(_ line: ArraySlice<UInt8>) {
    if options.verbosity > 0 { session.print(Array(line)) }
  }

  mutating func apply(_ command: Command, to table: Table) throws(OptionError) {
    switch command.verb {
    case .list, .listRules: break
    default:
      guard options.verbosity > 0, !options.keepsExisting, command.verb.takesRule else { return }
      for rule in command.rules { session.print(Listing(family: family, names: session.names).verboseLine(rule)) }
    }
  }

  mutating func commit(_ table: Table) throws(OptionError) {
    if options.isTest { return }
    let lock: XtablesLock
    do throws(Session.Exit) {
      lock = try session.lock(options.wait)
    } catch {
      exit = error
      throw OptionError("locked", error.message)
    }
    do throws(KernelError) {
        let editor = try TableEditor(family, table.name.rawValue)
        try editor.replace(by: KernelTable(table), keepsCounters: true)
        try editor.commit()
      } catch {
        // iptables-restore says only which line failed.
        throw OptionError("kernel-refuses", error.description, at: table.commit, legacyStatus: .otherProblem)
      }
    withExtendedLifetime(lock) {}
  }
}
