import Documents
import Extensions
import KernelLab
import Lab
import Scenarios
import TestSupport
import Testing
import XTables

/// Scenarios about targets and matches that remember, answered by the engine and by the running kernel.
@Suite(.asRoot, .serialized) struct EngineAgainstKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let rules: [String]
    let steps: [String]
    var isIPv6 = false
    var setup: [String] = []
    var extras = ""
    var testDescription: String { name }
  }

  static func udp(_ port: Int, from: String = "10.0.0.9", to: String = "10.0.1.9", source: Int = 1000) -> String {
    #"{"in": "eth0", "src": "\#(from)", "dst": "\#(to)", "proto": "udp", "sport": \#(source), "dport": \#(port), "payload": "hello"}"#
  }

  static func reply(_ port: Int, to source: String = "10.0.0.9", from: String = "10.0.1.9", port other: Int = 1000) -> String {
    #"{"in": "eth1", "src": "\#(from)", "dst": "\#(source)", "proto": "udp", "sport": \#(port), "dport": \#(other), "payload": "world"}"#
  }

  static func sets(_ lines: String...) -> String { #", "ipset": \#(JSONValue.string(lines.joined(separator: "\n") + "\n").description)"# }

  static let nat = "*nat"
  static let cases: [Case] = [
    Case(
      name: "snat-range-persistent",
      rules: [nat, "-A POSTROUTING -o eth1 -j SNAT --to-source 10.0.1.20-10.0.1.29 --persistent", "COMMIT"],
      steps: [udp(53), udp(53, from: "10.0.0.10"), udp(54, from: "10.0.0.11", to: "10.0.1.8")]),
    Case(
      name: "snat-ports", rules: [nat, "-A POSTROUTING -o eth1 -p udp -j SNAT --to-source 10.0.1.20:2000", "COMMIT"],
      steps: [udp(53), reply(53, to: "10.0.1.20", port: 2000), udp(53, source: 1001)]),
    Case(
      name: "dnat-shift", rules: [nat, "-A PREROUTING -p udp -j DNAT --to-destination 10.0.1.9:2000-2999/1000", "COMMIT"],
      steps: [udp(1500, to: "10.0.0.1"), reply(2500), udp(1001, to: "10.0.0.1")]),
    Case(
      name: "netmap",
      rules: [
        nat, "-A PREROUTING -d 10.9.0.0/24 -j NETMAP --to 10.0.1.0/24", "-A POSTROUTING -s 10.0.0.0/25 -j NETMAP --to 10.0.1.128/25",
        "COMMIT",
      ],
      steps: [udp(53, to: "10.9.0.77"), udp(53)]),
    Case(
      name: "masquerade-ports", rules: [nat, "-A POSTROUTING -p udp -j MASQUERADE --to-ports 4000", "COMMIT"],
      steps: [udp(53), reply(53, to: "10.0.1.1", port: 4000)]),
    Case(
      name: "redirect", rules: [nat, "-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353", "COMMIT"], steps: [udp(53), udp(54)]),
    Case(
      name: "connmark",
      rules: [
        "*mangle", "-A PREROUTING -p udp --dport 53 -j CONNMARK --set-mark 0x12/0xff",
        "-A FORWARD -j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff --left-shift-mark 4",
        "-A POSTROUTING -j MARK --or-mark 0x100", "-A POSTROUTING -j CONNMARK --save-mark --mask 0xf00", "COMMIT",
      ], steps: [udp(53), reply(53)]),
    Case(
      name: "zones",
      rules: [
        "*raw", "-A PREROUTING -i eth0 -p udp --dport 53 -j CT --zone 3", "-A PREROUTING -p udp --dport 54 -j CT --notrack",
        "-A PREROUTING -p udp --dport 55 -j NOTRACK", "-A PREROUTING -p udp --dport 56 -j CT --zone-orig 9", "COMMIT", "*filter",
        "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT", "-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT", "COMMIT",
      ], steps: [udp(53), udp(54), udp(55), udp(56), reply(56), reply(53)]),
    Case(
      name: "recent",
      rules: [
        "*filter", "-A FORWARD -m recent --name a --update --seconds 100 --hitcount 3 -j DROP",
        "-A FORWARD -m recent --name a --set -j ACCEPT", "COMMIT",
      ], steps: [udp(1), udp(2), udp(3), udp(4), udp(5, from: "10.0.0.10"), udp(6)]),
    Case(
      name: "recent-rttl-remove",
      rules: [
        "*filter", "-A FORWARD -p udp --dport 9 -m recent --name b --remove -j DROP",
        "-A FORWARD -p udp --dport 8 -m recent --name b --rcheck --rttl --mask 255.255.255.0 -j DROP",
        "-A FORWARD ! -p tcp -m recent --name b --set --mask 255.255.255.0", "COMMIT",
      ], steps: [udp(1), udp(8), udp(8, from: "10.0.0.77"), udp(9), udp(8), udp(9, from: "10.0.0.200")]),
    Case(
      name: "hashlimit",
      rules: [
        "*filter",
        "-A FORWARD -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip,dstport --hashlimit-name h -j ACCEPT",
        "-A FORWARD -m hashlimit --hashlimit-above 512b/s --hashlimit-name g -j DROP", "COMMIT",
      ], steps: [udp(1), udp(1), udp(1), udp(2), udp(1, from: "10.0.0.10"), udp(1), udp(1)]),
    Case(
      name: "hashlimit-rate-match",
      rules: [
        "*filter",
        "-A FORWARD -m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 1 --hashlimit-name r --hashlimit-rate-match --hashlimit-rate-interval 100 -j ACCEPT",
        "-A FORWARD -j DROP", "COMMIT",
      ],
      steps: [udp(1), udp(1), udp(1), udp(1), udp(1), udp(1)]),
    Case(
      name: "rateest-idle",
      rules: [
        "*filter", "-A FORWARD -j RATEEST --rateest-name E --rateest-interval 8s --rateest-ewmalog 16s",
        "-A FORWARD -m rateest --rateest E --rateest-eq --rateest-pps 0 -j ACCEPT",
        "-A FORWARD -m rateest --rateest-delta --rateest E --rateest-bps1 8000bit --rateest-lt --rateest-bps2 4000bit -j DROP", "COMMIT",
      ], steps: [udp(1), udp(1)]),
    Case(
      name: "reject-everywhere",
      rules: [
        "*filter", "-A INPUT -p udp -j REJECT", "-A OUTPUT -d 10.0.1.9 -j REJECT --reject-with icmp-admin-prohibited",
        "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset", "COMMIT",
      ],
      steps: [
        udp(53, to: "10.0.0.1"), #"{"local": {}, "src": "10.0.1.1", "dst": "10.0.1.9", "proto": "udp", "sport": 5, "dport": 6}"#,
        #"{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "sport": 7, "dport": 8, "flags": "S"}"#,
      ]),
    Case(
      name: "nfqueue",
      rules: [
        "*filter", "-A FORWARD -p udp --dport 1 -j NFQUEUE --queue-num 3",
        "-A FORWARD -p udp --dport 2 -j NFQUEUE --queue-num 4 --queue-bypass", "-A FORWARD -p udp --dport 2 -j DROP", "COMMIT",
      ],
      steps: [udp(1), udp(2)], extras: #", "queues": {"3": {"verdict": "accept", "mark": 5}}"#),
    Case(name: "nflog", rules: ["*filter", #"-A FORWARD -j NFLOG --nflog-group 7 --nflog-prefix "seen it""#, "COMMIT"], steps: [udp(1)]),
    Case(
      name: "nat6",
      rules: [
        nat, "-A POSTROUTING -o eth1 -j MASQUERADE", "-A PREROUTING -p udp --dport 53 -j DNAT --to-destination [fd01::9]:54", "COMMIT",
      ],
      steps: [udp(53, from: "fd00::9", to: "fd00::1"), reply(54, to: "fd01::1", from: "fd01::9"), udp(60, from: "fd00::9", to: "fd01::9")],
      isIPv6: true),
    Case(
      name: "netmap6-redirect6",
      rules: [
        nat, "-A PREROUTING -d fd09::/64 -j NETMAP --to fd01::/64", "-A PREROUTING -p udp --dport 7 -j REDIRECT --to-ports 70", "COMMIT",
      ],
      steps: [udp(53, from: "fd00::9", to: "fd09::9"), udp(7, from: "fd00::9", to: "fd01::9")], isIPv6: true),
    Case(
      name: "reject6",
      rules: ["*filter", "-A INPUT -p udp -j REJECT --reject-with icmp6-addr-unreachable", "-A FORWARD -p udp -j REJECT", "COMMIT"],
      steps: [udp(53, from: "fd00::9", to: "fd00::1"), udp(53, from: "fd00::9", to: "fd01::9")], isIPv6: true,
      extras: #", "sysctl": {"net.ipv6.auto_flowlabels": "0"}"#),
    Case(
      name: "set-addresses",
      rules: [
        "*filter", "-A FORWARD -m set --match-set hosts src -j ACCEPT", "-A FORWARD -m set ! --match-set nets src -j DROP",
        "-A FORWARD -m set --match-set nets src --return-nomatch -j REJECT", "-A FORWARD -m set --match-set services dst,dst -j DROP",
        "COMMIT",
      ],
      steps: [udp(1), udp(2, from: "10.0.0.10"), udp(3, from: "10.0.0.70"), udp(53, from: "10.0.0.130"), udp(54, from: "10.0.0.130")],
      extras: sets(
        "create hosts hash:ip family inet", "add hosts 10.0.0.9", "create nets hash:net family inet", "add nets 10.0.0.64/26",
        "add nets 10.0.0.70 nomatch", "add nets 10.0.0.128/25", "create services hash:ip,port family inet", "add services 10.0.1.9,udp:53")),
    Case(
      name: "set-target",
      rules: [
        "*filter", "-A FORWARD -p udp --dport 9 -j SET --del-set seen src", "-A FORWARD -m set --match-set seen src -j DROP",
        "-A FORWARD -j SET --add-set seen src --exist --timeout 60", "-A FORWARD -j SET --add-set flows src,dst,dst", "COMMIT",
      ],
      steps: [udp(1), udp(2), udp(9), udp(9), udp(3, from: "10.0.0.10")],
      extras: sets("create seen hash:ip family inet timeout 0", "create flows hash:ip,port,net family inet")),
    Case(
      name: "set-map-list-counters",
      rules: [
        "*mangle", "-A FORWARD -j SET --map-set marks src --map-mark", "-A FORWARD -m set --match-set all src -j MARK --or-mark 0x100",
        "-A FORWARD -m set --match-set counted src --packets-gt 1 -j MARK --or-mark 0x200",
        "-A FORWARD -m set --match-set ports dst -j MARK --or-mark 0x400", "COMMIT",
      ],
      steps: [udp(80), udp(81), udp(82, from: "10.0.0.10"), udp(79)],
      extras: sets(
        "create marks hash:net family inet skbinfo", "add marks 10.0.0.0/28 skbmark 0x12/0xff",
        "create counted hash:ip family inet counters",
        "add counted 10.0.0.9 packets 1 bytes 33", "create a hash:ip family inet", "add a 10.0.0.10", "create all list:set size 8",
        "add all a",
        "create ports bitmap:port range 80-90", "add ports 80", "add ports 82")),
    Case(
      name: "tproxy",
      rules: [
        "*mangle", "-A PREROUTING -p tcp --dport 80 -j TPROXY --on-port 8080 --tproxy-mark 1",
        "-A PREROUTING -p udp -j TPROXY --on-port 5300 --on-ip 10.0.0.1 --tproxy-mark 1", "COMMIT",
      ],
      steps: [
        #"{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "sport": 7, "dport": 80, "flags": "S", "seq": 100}"#,
        udp(53), udp(5300),
        #"{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "sport": 7, "dport": 81, "flags": "S", "seq": 100}"#,
      ],
      setup: ["rule add fwmark 1 lookup 100", "route add local default dev lo table 100"],
      extras:
        #", "mode": "stack", "sockets": [{"name": "web", "proto": "tcp", "port": 8080, "transparent": true}, {"name": "dns", "proto": "udp", "port": 5300, "addr": "10.0.0.1", "transparent": true}]"#
    ),
  ]

  @Test(arguments: cases) func theEvaluatorMatchesAsTheRunningKernel(_ test: Case) throws {
    let interfaces =
      test.isIPv6 ? #"{"eth0": ["fd00::1/64"], "eth1": ["fd01::1/64"]}"# : #"{"eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}"#
    let setup = JSONValue.array(test.setup.map { .string($0) }).description
    let topology = #"{"ifaces": \#(interfaces), "setup": \#(setup)}"#
    // The kernel installs the routes of IPv6 addresses some time after it took the addresses.
    let steps = (test.isIPv6 ? [#"{"sleep": 0.3}"#] : []) + test.steps
    let rules = JSONValue.string(test.rules.joined(separator: "\n") + "\n").description
    let line =
      #"{"name": "\#(test.name)", "\#(test.isIPv6 ? "rules6" : "rules")": \#(rules), "topology": \#(topology), "steps": [\#(steps.joined(separator: ", "))]\#(test.extras)}"#
    let scenario = try Scenario(line: line)
    let ours = LabEngine(registry: .ferrule)
    let engine = ours.play(scenario).json
    let kernel = KernelLab(registry: .ferrule)
    // Over IPv6 the kernel speaks with its neighbours too, which the counters at OUTPUT show.
    let differences = KernelInquiry(scenario).differences(engine, limit: 6) { kernel.answer($0).json }.filter {
      !"\($0)".hasPrefix("counters6.")
    }
    #expect(differences.isEmpty, "\(differences.map { "\n  \($0)" }.joined())")
    let dependence = Boot.dependence(of: scenario, ours)
    #expect(dependence == nil, "\(dependence ?? "")")
  }
}
