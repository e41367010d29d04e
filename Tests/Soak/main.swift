import Glibc

let start = ContinuousClock.now

func soak(_ packets: Int, seed: UInt64) throws -> [String] {
  let outcome = try Soak(seed: seed).run(packets: packets)
  print("\(outcome.steps) packets, seed \(seed), in \((ContinuousClock.now - start).formatted)")
  print("verdicts: " + outcome.verdicts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
  print("departures: \(outcome.departures); at most \(outcome.most) connections; \(outcome.statistics)")
  print("digest \(outcome.digest)")
  return outcome.findings
}

func flood(_ flows: Int, limit: UInt32) throws -> [String] {
  var findings: [String] = []
  for isAssured in [false, true] {
    let flood = try Flood(limit: limit)
    if isAssured { try flood.assure() }
    let outcome = try flood.run(flows: flows, checkEvery: flows / 20 + 1)
    print(
      "\(flows) flows against \(limit) connections" + (isAssured ? " that are assured" : "")
        + ": sent \(outcome.sent), dropped \(outcome.dropped), at most \(outcome.most); \(outcome.statistics)")
    findings += outcome.findings
  }
  var usage = rusage()
  _ = unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
  print("in \((ContinuousClock.now - start).formatted), with \(usage.ru_maxrss / 1024) MiB at most")
  return findings
}

extension Duration {
  /// Seconds with one decimal.
  fileprivate var formatted: String { "\(components.seconds).\(components.attoseconds / 100_000_000_000_000_000) s" }
}

// `Soak PACKETS [SEED]` soaks, `Soak flood FLOWS LIMIT` floods; both say what they saw, and fail when anything contradicted itself.
let words = Array(CommandLine.arguments.dropFirst())
let numbers = words.compactMap { UInt64($0) }
let findings =
  words.first == "flood"
  ? try flood(Int(clamping: numbers.first ?? 1_000_000), limit: UInt32(clamping: numbers.dropFirst().first ?? 65_536))
  : try soak(Int(clamping: numbers.first ?? 1_000_000), seed: numbers.dropFirst().first ?? 1)
for finding in findings { print(finding) }
exit(findings.isEmpty ? 0 : 1)
