import Wire
import XTables

/// Commands of iptables, right and wrong, as somebody who half remembers the manual might type them.
struct RandomCommands {
  var random: SeededRandom

  private static let chains = ["INPUT", "FORWARD", "OUTPUT", "a", "b", "c", "LONG-chain_name"]
  private static let oddChains = [
    "PREROUTING", "nosuch", String(repeating: "x", count: 28), String(repeating: "x", count: 29), "-a", "a b", "LOG", "ACCEPT",
  ]
  private static let targets = [
    ["-j", "ACCEPT"], ["-j", "DROP"], ["-j", "RETURN"], ["-j", "a"], ["-j", "b"], ["-g", "a"], ["-g", "c"], ["-j", "LOG"],
    ["-j", "LOG", "--log-prefix", "x y"], ["-j", "REJECT"], ["-j", "MARK", "--set-mark", "1"], ["-j", "nosuch"], ["-j", ""],
    ["-g", "ACCEPT"], ["-j", "INPUT"], ["-j", "QUEUE"], ["-j", "REJECT", "--reject-with", "tcp-reset"], ["-jDROP"],
    ["--jump", "ACCEPT"], ["-j", String(repeating: "x", count: 30)],
  ]
  private static let oddities = [
    ["-f"], ["-n"], ["-x"], ["-v"], ["--line-numbers"], ["-c", "1", "2"], ["-c", "5,6"], ["-c", "x"], ["--foo"], ["-Q"], ["extra"],
    ["--"], ["!"], ["-4"], ["-6"], ["-w"], ["-w", "1"],
  ]
  private static let whole = [
    ["-L", "-Z", "-n"], ["-L", "INPUT", "-Z", "INPUT", "1", "-n"], ["-Z", "-L", "-n"], ["-L", "-S"], ["-Z", "INPUT", "1"], ["-A"],
    ["-L", "-L"], [], ["-A", "INPUT", "-D", "INPUT"], ["!", "-L"], ["-Z", "-Z"], ["-S", "-v"], ["-N"], ["-W", "5"], ["-w", "x", "-L"],
    ["-W", "5", "-w", "1", "-L", "-n"], ["-w1", "-S"], ["--list-rules"], ["--list", "INPUT", "-n"],
    ["--app", "INPUT", "-j", "ACCEPT"], ["--l", "-n"], ["--line", "-L", "-n"], ["-vnL"], ["-nvxL", "INPUT"],
    ["-nL", "--line-numbers", "-v"],
    ["-V"], ["!", "-V"], ["--version"], ["-L"], ["-L", "-v", "-x"],
  ]

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func chain() -> String { random.pick(random.chance(90) ? Self.chains : Self.oddChains) }

  private mutating func address(_ isIPv6: Bool) -> String {
    isIPv6
      ? random.pick([
        "::1", "fe80::/10", "2001:db8::1/64", "::/0", "1.2.3.4", "bad", "fe80::1/129", "2001:db8::1,2001:db8::2", "::ffff/ffff::",
      ])
      : random.pick([
        "1.2.3.4", "10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/255.255.0.255", "10.1.2.3/24", "1.2.3", "300.1.1.1", "1.2.3.4/33",
        "1.2.3.4,5.6.7.8", "1.1.1.1/0", "::1", "1.2.3.4/255.255.255.0", "localhost",
      ])
  }

  /// Tests and a target, or what looks like them.
  mutating func rule(_ isIPv6: Bool) -> [String] {
    var words: [String] = []
    for _ in 0..<Int.random(in: 0..<4, using: &random) {
      let not = random.chance(20) ? ["!"] : []
      switch Int.random(in: 0..<13, using: &random) {
      case 0: words += not + ["-s", address(isIPv6)]
      case 1: words += not + ["-d", address(isIPv6)]
      case 2: words += not + ["-i", random.pick(["eth0", "eth+", "+", "lo", String(repeating: "x", count: 16), ""])]
      case 3: words += not + ["-o", random.pick(["eth0", "eth+", "wlan"])]
      case 4:
        words +=
          not + ["-p", random.pick(["tcp", "udp", "icmp", "all", "0", "6", "132", "200", "256", "nosuch", "ipv6-icmp", "TCP", "51"])]
      case 5: words += not + ["--dport", random.pick(["80", "1:10", "http", "99999", "ssh:", ":5"])]
      case 6: words += ["-m", "comment", "--comment", random.pick(["hi", "two words", "q\"x", String(repeating: "x", count: 260)])]
      case 7: words += ["-m", "state", "--state", random.pick(["NEW", "RELATED,ESTABLISHED", "FOO"])]
      case 8: words += not + ["-m", random.pick(["mark", "nosuch", "limit", "tcp", "conntrack", "mac"])]
      case 9: words += random.pick(Self.oddities)
      case 10: words += ["-p", "tcp", "-m", "tcp", "--sport", "5", "--tcp-flags", "SYN,ACK", "SYN"]
      case 11: words += ["-m", "limit", "--limit", random.pick(["1/s", "3/hour", "0/s"])]
      default: words += ["-m", "mark"] + not + ["--mark", random.pick(["1", "0x1/0xff", "-1"])]
      }
    }
    return random.chance(75) ? words + random.pick(Self.targets) : words
  }

  private mutating func number() -> String { random.pick(["1", "2", "3", "1", "2", "10", "0", "-1", "x", "99999999999"]) }

  /// One command, its program first.
  mutating func command() -> [String] {
    let isIPv6 = random.chance(30)
    var words: [String] = random.chance(8) ? ["-t", random.pick(["nat", "mangle", "raw", "filter", "security", "nosuch"])] : []
    switch random.pick(Array("AAAAAAAIIIIDDDRCNNNXEPZFLSLSM")) {
    case "A": words += ["-A", chain()] + rule(isIPv6)
    case "I": words += ["-I", chain()] + (random.chance(50) ? [number()] : []) + rule(isIPv6)
    case "D": words += ["-D", chain()] + (random.chance(50) ? [number()] : rule(isIPv6))
    case "R": words += ["-R", chain()] + (random.chance(90) ? [number()] : []) + rule(isIPv6)
    // ip6tables 1.8.9 compares with a mask that is too short, so that what it answers depends on its heap.
    case "C": words += ["-C", chain()] + (isIPv6 ? ["-j", "ACCEPT"] : rule(false))
    case "N": words += ["-N", chain()]
    case "X": words += ["-X"] + (random.chance(80) ? [chain()] : [])
    case "E": words += ["-E", chain()] + (random.chance(95) ? [chain()] : [])
    case "P":
      words += ["-P", chain()] + (random.chance(95) ? [random.pick(["ACCEPT", "DROP", "RETURN", "REJECT"])] : [])
      if random.chance(20) { words += ["-c", "1", "2"] }
    case "Z": words += ["-Z"] + (random.chance(70) ? [chain()] : [])
    case "F": words += ["-F"] + (random.chance(90) ? [chain()] : [])
    case "L": words += ["-L"] + (random.chance(60) ? [chain()] : []) + (random.chance(20) ? [number()] : []) + ["-n"]
    case "S": words += ["-S"] + (random.chance(60) ? [chain()] : []) + (random.chance(20) ? [number()] : [])
    default: words += random.pick(Self.whole)
    }
    if random.chance(15) { words.insert("-v", at: 0) }
    if random.chance(5) { words.append(random.pick(["-n", "-v", "-x", "--line-numbers"])) }
    if random.chance(3) { words.shuffle(using: &random) }
    return [isIPv6 ? "ip6tables" : "iptables"] + words
  }
}
