import FoundationEssentials
import Glibc
import InputFuzzing
import Kernel

/// Fuzzing of everything that reads what strangers wrote.
///
///     InputFuzzer trial [--entry NAME,…] [--runs N] [--seed S] [--seconds T]   read N damaged inputs within the limits; kept ones for 0
///     InputFuzzer read --entry NAME (--number N [--seed S] | FILE…)            read one again
///     InputFuzzer make --entry NAME --number N [--seed S]                      write its bytes
///     InputFuzzer entries                                                     list the entries
///     InputFuzzer unpack --entry NAME FOLDER                                  write the corpus as files
///     InputFuzzer pack --entry NAME FOLDER BYTES                              make files the corpus, the small ones up to so many bytes
///
/// Where it is built by `make fuzz-input`, `FERRULE_ENTRY=NAME InputFuzzer …` is libFuzzer with its options.
struct Arguments {
  let verb: String
  var options: [String: String] = [:]
  var rest: [String] = []

  init() {
    var words = CommandLine.arguments.dropFirst()
    verb = words.popFirst() ?? ""
    while let word = words.popFirst() {
      if word.hasPrefix("--"), let value = words.popFirst() { options[String(word.dropFirst(2))] = value } else { rest.append(word) }
    }
  }

  func number<Number: FixedWidthInteger>(_ name: String, or other: Number) -> Number { options[name].flatMap { Number($0) } ?? other }

  func entries() throws -> [InputEntry] {
    guard let names = options["entry"] else { return InputEntry.all }
    return try names.split(separator: ",").map { try Self.entry(String($0)) }
  }

  static func entry(_ name: String) throws -> InputEntry {
    guard let entry = InputEntry(named: name) else { throw Mistake("there is no entry \(name); `InputFuzzer entries' lists them") }
    return entry
  }
}

struct Mistake: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

func say(_ text: String) { try? HostFile.write(Array(text.utf8), toStandard: 1) }

func trial(_ arguments: Arguments) throws -> Int32 {
  let trial = try InputTrial(try arguments.entries())
  let seed: UInt64 = arguments.number("seed", or: 1)
  let end = Date().timeIntervalSince1970 + Double(arguments.number("seconds", or: 1_000_000))
  let report = try trial.watch(count: arguments.number("runs", or: 10_000), seed: seed, program: "/proc/self/exe") {
    Date().timeIntervalSince1970 > end
  }
  say("\(report.runs) inputs of \(trial.entries.count) entries read, seed \(seed), \(report.failures.count) failures\n")
  if report.left > 0 { say("\(report.left) were not read: the time was over, or too many failed\n") }
  for failure in report.failures { say("\(failure.run.entry): \(failure)\n") }
  return report.failures.isEmpty ? 0 : 1
}

/// The process that reads; `InputTrial.watch` starts it.
func work(_ words: [String]) throws -> Int32 {
  guard words.count == 5, let count = Int(words[1]), let seed = UInt64(words[2]), let start = Int(words[3]), let end = Int(words[4]) else {
    throw Mistake("work is for `trial' to start")
  }
  let trial = try InputTrial(try words[0].split(separator: ",").map { try Arguments.entry(String($0)) })
  // What an entry prints is nobody's.
  let out = dup(1)
  let null = unsafe open("/dev/null", O_WRONLY)
  dup2(null, 1)
  dup2(null, 2)
  trial.work(trial.runs(count: count, seed: seed)[start..<end]) { text in try? HostFile.write(Array(text.utf8), toStandard: out) }
  return 0
}

func read(_ arguments: Arguments, isRead: Bool) throws -> Int32 {
  let entries = try arguments.entries()
  var inputs = try arguments.rest.map { try HostFile.bytes($0) }
  if arguments.options["number"] != nil {
    let seed = arguments.options["seed"].flatMap { UInt64($0) }
    inputs.append(
      try InputTrial(entries).input(of: InputTrial.Run(entry: entries[0].name, number: arguments.number("number", or: 0), seed: seed)))
  }
  for input in inputs {
    guard isRead else {
      try HostFile.write(input, toStandard: 1)
      continue
    }
    let excess = InputLimits.excess(seconds: entries[0].seconds) { entries[0].read(input) }
    say("\(input.count) bytes: \(excess ?? "read")\n")
    if excess != nil { return 1 }
  }
  return 0
}

func files(in folder: String) throws -> [[UInt8]] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { try HostFile.bytes("\(folder)/\($0)") }
}

func unpack(_ arguments: Arguments) throws -> Int32 {
  guard let folder = arguments.rest.first else { throw Mistake("name a folder") }
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  for (number, input) in try InputCorpus.inputs(of: try arguments.entries()[0].name).enumerated() {
    try HostFile.write(input, to: "\(folder)/\(number)")
  }
  return 0
}

func pack(_ arguments: Arguments) throws -> Int32 {
  guard arguments.rest.count == 2, let most = Int(arguments.rest[1]) else { throw Mistake("name a folder, and how many bytes") }
  var kept: [[UInt8]] = []
  var size = 0
  for input in try files(in: arguments.rest[0]).sorted(by: { $0.count < $1.count }) where size + input.count <= most {
    kept.append(input)
    size += input.count
  }
  try InputCorpus.write(kept, of: try arguments.entries()[0].name)
  return 0
}

do {
  #if FERRULE_LIBFUZZER
    // libFuzzer starts itself with its own arguments, so that what is ours comes by the environment.
    if let name = ProcessInfo.processInfo.environment["FERRULE_ENTRY"] { exit(try cover(try Arguments.entry(name))) }
  #endif
  let arguments = Arguments()
  switch arguments.verb {
  case "trial": exit(try trial(arguments))
  case "work": exit(try work(arguments.rest))
  case "read": exit(try read(arguments, isRead: true))
  case "make": exit(try read(arguments, isRead: false))
  case "entries": say(InputEntry.all.map { $0.name + "\n" }.joined())
  case "unpack": exit(try unpack(arguments))
  case "pack": exit(try pack(arguments))
  default: throw Mistake("the verbs are trial, read, make, entries, unpack and pack")
  }
} catch {
  try? HostFile.write(Array("InputFuzzer: \(error)\n".utf8), toStandard: 2)
  exit(2)
}
