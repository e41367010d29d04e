import Diagnostics
public import XTables

/// A parsed command whose target is not resolved yet: it may be a chain or an extension.
///
/// Not copyable, because copying all that was read would take longer than reading it.
public struct PendingCommand: ~Copyable {
  private let verb: Command.Verb
  private var run: CommandRun

  init(verb: Command.Verb, run: consuming CommandRun) {
    self.verb = verb
    self.run = run
  }

  /// The table of the command: that of `-t`, or the default.
  public var table: TableName { run.table }
  /// The name of the table as written after `-t`.
  public var tableName: String { run.tableWord?.string ?? run.table.rawValue }
  /// The options that change how the command reports or waits.
  public var flags: Command.Flags { run.flags }
  /// Whether the line has a rule for the other family (`-4`, `-6`), so that it is ignored.
  public var isIgnored: Bool { run.flags.isForOtherFamily && verb.takesRule }
  /// The extensions whose help `--help` prints.
  public var helpSubjects: [ExtensionDescriptor] { run.helpSubjects }

  /// Resolves the target and returns the finished command.
  ///
  /// - Parameter isChain: whether the table has a chain with a name. A chain takes precedence over a target of the same name.
  /// - Throws: an error if the target is neither a chain nor a known extension.
  public consuming func resolved(notices: inout [String], isChain: (String) -> Bool) throws(OptionError) -> Command {
    try run.resolved(verb, notices: &notices, isChain: isChain)
  }
}
