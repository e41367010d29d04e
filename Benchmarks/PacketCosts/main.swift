import Measuring

/// Measures what a packet costs on its way through PREROUTING, FORWARD and POSTROUTING, with what it takes to make the packet, and says
/// which goals are reached. Ends with status 1 where a packet of an established flow allocates, or memory or verdicts are not as they
/// must be; times do not count for that, as they say as much about the machine as about the code.
///
/// Words choose what is measured: `live`, `established`, `translated`, `flood`; all of it without any.
var findings = Findings()
let words = CommandLine.arguments.dropFirst()
func isWanted(_ word: String) -> Bool { words.isEmpty || words.contains(word) }

if isWanted("live") { try measureLive(1_000_000, &findings) }
if isWanted("established") { for count in [1_000, 100_000] { try measureEstablished(count, translating: false, &findings) } }
if isWanted("translated") { try measureEstablished(1_000, translating: true, &findings) }
if isWanted("flood") { for isAssured in [false, true] { try measureFlood(assured: isAssured, &findings) } }
findings.end()
