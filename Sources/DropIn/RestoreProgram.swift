import Kernel
import Syntax
import Wire
import XTables

/// Runs `iptables-restore` and `ip6tables-restore`. The corresponding C function is `ip46tables_restore_main`.
extension Session {
  struct RestoreOptions {
    var counters = false
    var verbosity = 0
    var isTest = false
    var keepsExisting = false
    var table: String?
    var wait: Int?
    var modprobe: String?
    var file: String?
  }

  mutating func restore(_ arguments: [String], _ family: Family) throws(Exit) -> Int32 {
    guard let options = try restoreOptions(arguments) else { return 0 }
    let input = try open(options.file)
    if try isSilentTest(of: input, options, family) { return 0 }
    var run = RestoreRun(options: options, family: family, session: self)
    var reader = LineReader()
    var isAtEnd = false
    while !isAtEnd {
      // A failed read ends the input, as it does for `fgets`.
      let piece = (try? input.next()) ?? []
      isAtEnd = piece.isEmpty
      try run.read(reader.lines(adding: piece), session: &self)
    }
    if run.isInTable {
      if backend == .nft { discardOutput() }
      throw Exit(status: 1, message: "\(name): COMMIT expected at line \(run.line + 1)\n")
    }
    return 0
  }

  func open(_ file: String?) throws(Exit) -> HostInput {
    do throws(KernelError) {
      return try HostInput(path: file)
    } catch {
      throw Exit(status: 1, message: "Can't open \(file ?? "standard input"): \(error.error?.text ?? "")\n")
    }
  }

  /// Parses the options; nil if the program has printed help or version and is finished.
  private mutating func restoreOptions(_ arguments: [String]) throws(Exit) -> RestoreOptions? {
    var scanner = ShortOptions(
      arguments, known: "bcvVthnwWM:T:",
      long: [
        ("counters", "c"), ("verbose", "v"), ("version", "V"), ("test", "t"), ("help", "h"), ("noflush", "n"),
        ("modprobe", "M"), ("table", "T"), ("wait", "w"), ("wait-interval", "W"),
      ], optional: ["w", "W"])
    var options = RestoreOptions()
    var hasInterval = false
    var files: [String] = []
    while let option = scanner.next() {
      switch option {
      case .found("b", _): complain("-b/--binary option is not implemented\n")
      case .found("c", _): options.counters = true
      case .found("v", _): options.verbosity += 1
      case .found("t", _): options.isTest = true
      case .found("n", _): options.keepsExisting = true
      case .found("M", let program): options.modprobe = program
      case .found("T", let table): options.table = table
      case .found("w", let attached): options.wait = try seconds(attached ?? scanner.looseArgument())
      case .found("W", let attached):
        try checkInterval(attached ?? scanner.looseArgument())
        hasInterval = true
      case .found("V", _):
        print(versionLine)
        return nil
      case .found("h", _):
        complain(Help.restoreUsage(name))
        return nil
      case .found: break
      case .wrong(let complaint):
        complain("\(calledAs): \(complaint)\n")
        throw Exit(status: 1, message: "Try `\(name) -h' for more information.\n")
      case .argument(let word): files.append(word)
      }
    }
    if files.count > 1 { throw Exit(status: 1, message: "Unknown arguments found on commandline\n") }
    options.file = files.first
    if hasInterval, options.wait ?? 0 == 0 {
      throw Exit(status: 1, message: "Option --wait-interval requires option --wait\n")
    }
    return options
  }

  /// Reads the seconds of `-w`. The corresponding C function is `parse_wait_time`.
  private func seconds(_ text: String?) throws(Exit) -> Int {
    guard let text else { return -1 }
    guard let number = CNumber(ArraySlice(text.utf8)) else { throw failure(2, "wait seconds not numeric", line: 0) }
    return Int(number.int)
  }

  /// Checks the microseconds of `-W`. The corresponding C function is `parse_wait_interval`.
  private func checkInterval(_ text: String?) throws(Exit) {
    guard let text else { throw failure(2, "wait interval value required", line: 0) }
    guard let number = CNumber(ArraySlice(text.utf8), base: .decimal).map({ UInt32(truncatingIfNeeded: $0.wrapped) }) else {
      throw failure(2, "wait interval not numeric", line: 0)
    }
    if number > 999_999 { throw failure(2, "too long usec wait \(number) > 999999 usec", line: 0) }
    complain("Ignoring deprecated --wait-interval option.\n")
  }
}
