import Glibc

/// `Soak PACKETS [SEED]`: runs, says what it saw, and fails when anything contradicted itself.
let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
let packets = Int(clamping: arguments.first ?? 1_000_000)
let seed = arguments.dropFirst().first ?? 1
let clock = ContinuousClock()
let start = clock.now
let outcome = try Soak(seed: seed).run(packets: packets)
print("\(outcome.steps) packets, seed \(seed), in \((clock.now - start).formatted)")
print("verdicts: " + outcome.verdicts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
print("departures: \(outcome.departures); at most \(outcome.most) connections; \(outcome.statistics)")
print("digest \(outcome.digest)")
for finding in outcome.findings { print(finding) }
exit(outcome.findings.isEmpty ? 0 : 1)

extension Duration {
  /// Seconds with one decimal.
  fileprivate var formatted: String { "\(components.seconds).\(components.attoseconds / 100_000_000_000_000_000) s" }
}
