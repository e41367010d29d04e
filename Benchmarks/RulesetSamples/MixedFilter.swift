/// A filter table with one chain of rules of many shapes, of which some take all packets of others.
public enum MixedFilter {
  /// The table as `iptables-save` prints it, the same in each run.
  ///
  /// - Parameters:
  ///   - count: the number of rules.
  ///   - change: the rule that accepts instead of dropping, or drops instead of accepting; nil for none.
  public static func text(rules count: Int, changing change: Int? = nil) -> String {
    var random = Numbers(state: 1)
    var lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for number in 0..<count {
      var rule = self.rule(&random)
      if number == change {
        rule = rule.hasSuffix("DROP") ? rule.dropLast(4) + "ACCEPT" : rule.split(separator: " ").dropLast().joined(separator: " ") + " DROP"
      }
      lines.append("-A FORWARD " + rule)
    }
    return (lines + ["COMMIT", ""]).joined(separator: "\n")
  }

  private static func rule(_ random: inout Numbers) -> String {
    var words: [String] = []
    if random.below(100) < 75 { words.append("-s \(network(&random))") }
    if random.below(100) < 60 || words.isEmpty { words.append("-d \(network(&random))") }
    if random.below(100) < 20 { words.append("-i eth\(random.below(8))") }
    switch random.below(5) {
    case 0, 1: words.append("-p tcp -m tcp" + ports(&random))
    case 2: words.append("-p udp -m udp" + ports(&random))
    case 3: words.append("-p icmp")
    default: break
    }
    if random.below(10) == 0 { words.append("-m conntrack --ctstate NEW") }
    words.append("-j " + ["ACCEPT", "ACCEPT", "DROP", "REJECT"][random.below(4)])
    return words.joined(separator: " ")
  }

  private static func network(_ random: inout Numbers) -> String {
    let length = [8, 16, 20, 24, 24, 24, 28, 32, 32, 32][random.below(10)]
    let address = UInt32(truncatingIfNeeded: random.next()) & ~(length == 32 ? 0 : UInt32.max >> UInt32(length))
    return [24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }.joined(separator: ".") + "/\(length)"
  }

  private static func ports(_ random: inout Numbers) -> String {
    guard random.below(10) < 8 else { return "" }
    let first = 1 + random.below(64_000)
    return random.below(10) < 7 ? " --dport \(first)" : " --dport \(first):\(min(65_535, first + 1 + random.below(2000)))"
  }

  /// Pseudorandom numbers (splitmix64), so that all runs measure the same rules.
  private struct Numbers {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
      return word ^ word >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  }
}
