import Glibc

// Counts the instructions of pieces of work under valgrind, and compares with those in a file. Ends with status 1 if one takes more than
// 5 % more. `InstructionCounts FILE` compares; `InstructionCounts FILE --record` writes the file anew. Instructions depend on compiler and
// processor: the file says which ones it was recorded with.

let arguments = CommandLine.arguments.dropFirst()
if arguments.count == 2, let kernel = Kernel(rawValue: arguments[1]), let rounds = Int(arguments[2]) {
  try kernel.run(rounds: rounds)
  exit(0)
}
guard let path = arguments.first else {
  print("usage: InstructionCounts FILE [--record]")
  exit(2)
}

/// The recorded counts, by kernel.
func recorded(in path: String) -> [String: Double] {
  guard let file = fopen(path, "r") else { return [:] }
  defer { fclose(file) }
  var counts: [String: Double] = [:]
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, Int32(line.count), file) != nil {
    let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    if words.count == 2, !words[0].hasPrefix("#"), let count = Double(words[1]) { counts[String(words[0])] = count }
  }
  return counts
}

guard let counter = Counter() else {
  print("SKIPPED: instructions are not counted, because valgrind or strip is not installed")
  exit(0)
}
let before = recorded(in: path)
var lines = "# Instructions of one piece of work, counted by valgrind in a release build for x86-64: make instructions RECORD=1\n"
var slower = 0
for kernel in Kernel.allCases {
  guard let count = counter.instructions(of: kernel) else {
    counter.end()
    print("valgrind cannot run \(kernel.title)")
    exit(2)
  }
  lines += "\(kernel.rawValue) \(Int(count.rounded()))\n"
  var text = "\(kernel.title): \(Int(count.rounded())) instructions"
  if let old = before[kernel.rawValue], old > 0 {
    let change = (count / old - 1) * 100
    text += ", \(change < 0 ? "" : "+")\((change * 10).rounded() / 10) %"
    if change > 5 {
      text += "  TOO MANY"
      slower += 1
    }
  } else {
    text += ", none recorded"
  }
  print(text)
}
counter.end()
if arguments.contains("--record") {
  guard let file = fopen(path, "w") else {
    print("\(path) cannot be written")
    exit(2)
  }
  fputs(lines, file)
  fclose(file)
} else if slower > 0 {
  print("\(slower) of the counts are more than 5 % higher than in \(path)")
  exit(1)
}
