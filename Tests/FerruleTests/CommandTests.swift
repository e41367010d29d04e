import Foundation
import Testing

/// What the command leaves with, and what it does with input that is no ruleset.
@Suite struct CommandTests {
  /// Writes bytes to a file of its own, and gives its path to a line of shell as `$F`.
  static func shell(_ line: String, with bytes: [UInt8], named name: String = "input") throws -> BuiltCommand.Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: name)
    try Data(bytes).write(to: file)
    return try BuiltCommand.shell("F='\(file.path)'\n\(line)")
  }

  static func shell(_ line: String, with text: String, named name: String = "input") throws -> BuiltCommand.Outcome {
    try shell(line, with: Array(text.utf8), named: name)
  }

  static let fine = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"
  static let dubious = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.9/8 -j ACCEPT\nCOMMIT\n"

  @Test(arguments: [
    ("ferrule --help", 0), ("ferrule --version", 0), ("ferrule", 0), ("ferrule nonsense", 2), ("ferrule lint --nonsense", 2),
    ("ferrule lint /nowhere/at/all", 2), ("ferrule lint -4 -6 $F", 2), ("ferrule explain FE001", 0), ("ferrule explain FE999", 2),
    ("ferrule explain packet-path", 0), ("ferrule explain -m tcp", 0), ("ferrule explain -j nonsense", 2),
    ("ferrule lint $F", 0), ("ferrule lint - < $F", 0), ("ferrule fmt --check $F", 1), ("ferrule show -t nat $F", 2),
    ("ferrule apply --test $F", 0), ("ferrule run $F", 2), ("ferrule run $F 'eth0 nonsense'", 2), ("ferrule decompile $F", 2),
    ("ferrule run $F 'eth0 tcp 10.0.0.9:1 > 10.0.0.1:2' --expect nonsense", 2),
    ("ferrule run $F 'eth0 tcp 10.0.0.9:1 > 10.0.0.1:2' --expect unknown", 0),
    ("ferrule run $F 'eth0 tcp 10.0.0.9:1 > 10.0.0.1:2' --expect drop", 1),
    ("ferrule run $F --pcap $F --in eth0", 2), ("ferrule run $F --pcap $F", 2),
  ]) func commandsExitWithTheDocumentedStatus(_ line: String, _ expected: Int32) throws {
    let outcome = try Self.shell(line, with: Self.fine)
    #expect(outcome.status == expected, "\(outcome.text)")
  }

  @Test func lintLeavesWithOneForWarningsAndTwoForErrors() throws {
    #expect(try Self.shell("ferrule lint $F", with: Self.dubious).status == 1)
    #expect(try Self.shell("ferrule lint $F", with: "*filter\n-A INPUT -j nowhere\nCOMMIT\n").status == 2)
    #expect(
      try Self.shell("ferrule lint --fix $F && cat $F", with: Self.dubious).text.hasSuffix(
        Self.dubious.replacing("10.0.0.9/8", with: "10.0.0.0/8")))
    let piped = try Self.shell("ferrule lint --fix - < $F 2>/dev/null", with: Self.dubious)
    #expect(piped.text == Self.dubious.replacing("10.0.0.9/8", with: "10.0.0.0/8"))
  }

  /// Whatever the bytes: a diagnostic with its place and status 2, never a trap.
  @Test(arguments: ["lint", "fmt", "show", "compile", "apply --test", "apply --sandbox"])
  func badInputEndsWithADiagnosticAndStatusTwo(_ command: String) throws {
    let inputs: [(name: String, bytes: [UInt8])] = [
      ("truncated", Array("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tc".utf8)),
      ("NUL", Array("*filter\n-A INPUT -s 1.2.3.4\0 -j DROP\nCOMMIT\n".utf8)),
      (
        "long line",
        Array("*filter\n-A INPUT -m comment --comment \"".utf8) + [UInt8](repeating: 0x78, count: 1 << 20) + Array("\"\nCOMMIT\n".utf8)
      ),
      ("CRLF", Array("*filter\r\n-A INPUT -j DROP\r\nCOMMIT\r\n".utf8)),
      ("loop", Array("*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\nCOMMIT\n".utf8)),
      ("no UTF-8", [0xFF, 0xFE, 0x0A, 0x80]),
    ]
    // What the kernel would refuse has a form all the same.
    for (name, bytes) in inputs where !(command == "fmt" && name == "loop") {
      let outcome = try Self.shell("ferrule \(command) $F", with: bytes)
      #expect(outcome.status == 2, "\(name): \(outcome.status) \(outcome.text.prefix(200))")
      #expect(outcome.text.contains(#/input:[0-9]+:[0-9]+: error: /#), "\(name): \(outcome.text.prefix(200))")
    }
  }

  /// A comment may hold any bytes, and keeps them.
  @Test func bytesThatAreNoTextSurvive() throws {
    let bytes =
      Array("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n# ".utf8) + [0xFF, 0xE9, 0x0A]
      + Array("COMMIT\n".utf8)
    let outcome = try Self.shell("ferrule fmt $F | cmp - $F && echo same", with: bytes)
    #expect(outcome.text == "same\n")
  }

  @Test func familyIsTakenFromTheName() throws {
    let text = "*filter\n-A INPUT -s 2001:db8::/32 -j DROP\nCOMMIT\n"
    #expect(try Self.shell("ferrule lint $F", with: text, named: "my.ip6tables-save").status == 0)
    #expect(try Self.shell("ferrule lint $F", with: text, named: "rules.v6").status == 0)
    #expect(try Self.shell("ferrule lint $F", with: text, named: "rules.v4").status == 2)
    #expect(try Self.shell("ferrule lint -6 - < $F", with: text).status == 0)
  }

  /// A capture of two packets, whole and cut in half.
  @Test func theFramesOfACaptureAreRun() throws {
    let packet: [UInt8] = [
      0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0x66, 0xC8, 10, 0, 0, 9, 10, 0, 0, 1, 0, 1, 0, 53, 0, 8, 0, 0,
    ]
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let record = word(1) + word(0) + word(28) + word(28) + packet
    let capture = word(0xA1B2_C3D4) + [2, 0, 4, 0] + word(0) + word(0) + word(65535) + word(101) + record + record
    let run = "ferrule run --host Examples/web-server/host.yaml Examples/web-server/ruleset.rules --brief --in eth0 --pcap $F"
    let whole = try Self.shell(run, with: capture)
    #expect(whole.status == 0)
    #expect(whole.text.split(separator: "\n").count == 2, "\(whole.text)")
    let cut = try Self.shell(run, with: Array(capture.dropLast(9)))
    #expect(cut.status == 2)
    #expect(cut.text.contains("after 1 packets"), "\(cut.text)")
  }

  /// `tcpdump -i any` on a gateway: arriving frames are for this host, each on its interface, and sent frames are not replayed.
  @Test func cookedCapturesAreRunByInterface() throws {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    func packet(_ source: [UInt8], _ destination: [UInt8]) -> [UInt8] {
      [0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0] + source + destination + [0, 1, 0, 53, 0, 8, 0, 0]
    }
    /// A record of Linux cooked version 2.
    func frame(_ index: UInt8, _ type: UInt8, _ packet: [UInt8]) -> [UInt8] {
      let bytes = [8, 0, 0, 0, 0, 0, 0, index, 0, 1, type, 6, 2, 0, 0, 0, 1, 9, 0, 0] + Self.summed(packet)
      return word(1) + word(0) + word(UInt32(bytes.count)) + word(UInt32(bytes.count)) + bytes
    }
    let capture =
      word(0xA1B2_C3D4) + [2, 0, 4, 0] + word(0) + word(0) + word(65535) + word(276)
      + frame(2, 0, packet([10, 0, 0, 9], [192, 0, 2, 80])) + frame(3, 4, packet([203, 0, 113, 5], [192, 0, 2, 80]))
      + frame(3, 0, packet([192, 0, 2, 80], [203, 0, 113, 5])) + frame(2, 3, packet([10, 0, 0, 9], [10, 0, 0, 7]))
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-cooked-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(capture).write(to: folder.appending(path: "any.pcap"))
    try Data("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n".utf8).write(to: folder.appending(path: "r.v4"))
    try Data(
      """
      interfaces: {lan: {addresses: [10.0.0.1/24], mac: "02:00:00:00:00:01"}, wan: [203.0.113.5/24]}
      routes: [default via 203.0.113.80 dev wan]
      sysctls: {net.ipv4.ip_forward: 1}
      """.utf8
    ).write(to: folder.appending(path: "host.yaml"))
    let run = "ferrule run --host host.yaml --brief --pcap any.pcap r.v4 --in"
    for map in ["2=lan,3=wan", "10.0.0.0/8=lan,default=wan"] {
      let outcome = try BuiltCommand.shell("\(run) \(map) 2>&1 | sort", in: folder)
      #expect(outcome.text.contains(" 1 frames were sent"), "\(outcome.text)")
      #expect(outcome.text.contains("lan udp 10.0.0.9:1>192.0.2.80:53 => sent through wan"), "\(outcome.text)")
      #expect(outcome.text.contains("=> delivered to this host"), "\(outcome.text)")
      #expect(outcome.text.contains("10.0.0.9:1>10.0.0.7:53 => refused: the frame is for another host"), "\(outcome.text)")
    }
    try Data(
      """
      rules: r.v4
      host: {interfaces: {lan: [10.0.0.1/24], wan: [203.0.113.5/24]}, routes: [default via 203.0.113.80 dev wan]}
      tests:
        - name: by index
          steps:
            - {pcap: {file: any.pcap, interfaces: {2: lan, 3: wan}, limit: 3}, expect: accept}
        - name: by network
          steps:
            - {pcap: {file: any.pcap, interfaces: {10.0.0.0/8: lan, default: wan}, limit: 1}, expect: sent wan}
      """.utf8
    ).write(to: folder.appending(path: "scenario.yaml"))
    // The sent frame is none of the packets.
    let tested = try BuiltCommand.shell("ferrule test scenario.yaml", in: folder)
    #expect(tested.text == "✓ scenario.yaml: 2 passed, 3 packets\n", "\(tested.text)")
    let lacking = try BuiltCommand.shell("\(run) 2=lan", in: folder)
    #expect(
      lacking.status == 2 && lacking.text.contains("arrived on the interface with index 3, for which no interface is given"),
      "\(lacking.text)")
    let wrong = try BuiltCommand.shell("\(run) a/b=lan", in: folder)
    #expect(wrong.status == 2 && wrong.text.contains("is not KEY=INTERFACE"), "\(wrong.text)")
  }

  /// An IPv4 packet with its header checksum.
  private static func summed(_ packet: [UInt8]) -> [UInt8] {
    var sum = stride(from: 0, to: 20, by: 2).reduce(UInt32(0)) { $0 + UInt32(packet[$1]) << 8 + UInt32(packet[$1 + 1]) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return Array(packet[..<10]) + [UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF)] + Array(packet[12...])
  }

  /// Why a packet is INVALID is a member of its object, with the numbers.
  @Test func reasonsAreInEachLineOfJSON() throws {
    let outcome = try BuiltCommand.shell(
      "ferrule run --format jsonl --host host.yaml ruleset.rules 'lan tcp 10.0.0.9:1 > 198.51.100.7:80 SF'",
      in: BuiltCommand.root.appending(path: "Examples/nat-gateway"))
    let value = try #require(try JSONSerialization.jsonObject(with: Data(outcome.text.utf8)) as? [String: Any])
    let result = try #require(value["result"] as? [String: Any])
    let packet = try #require((result["packets"] as? [[String: Any]])?.first)
    #expect(packet["ctstate"] as? String == "INVALID")
    #expect(packet["invalid"] as? String == "the TCP flags FS do not fit together")
  }

  @Test func tracesAreJSONToo() throws {
    let outcome = try BuiltCommand.shell(
      "ferrule run --format json --conntrack --host host.yaml --packets packets.txt ruleset.rules",
      in: BuiltCommand.root.appending(path: "Examples/nat-gateway"))
    let value = try #require(try JSONSerialization.jsonObject(with: Data(outcome.text.utf8)) as? [String: Any])
    let packets = try #require(value["packets"] as? [[String: Any]])
    #expect(packets.allSatisfy { $0["isExpected"] as? Bool == true })
    #expect(packets.map { $0["verdict"] as? String } == ["sent", "sent", "sent", "sent", "sent", "drop", "drop"])
    let states = packets.map { ($0["packets"] as? [[String: Any]])?.first?["ctstate"] as? String }
    #expect(states == ["NEW", "ESTABLISHED", "NEW", "ESTABLISHED", "RELATED", "NEW", "NEW"], "\(states)")
    let connections = try #require(value["connections"] as? [[String: Any]])
    #expect(connections.last?["state"] as? String == "SYN_RECV")
    #expect(connections.last?["status"] as? [String] == ["SEEN_REPLY", "CONFIRMED", "DST_NAT", "SRC_NAT_DONE", "DST_NAT_DONE"])
    let reply = try #require(connections.last?["reply"] as? [String: Any])
    #expect(reply["src"] as? String == "10.0.0.80" && reply["sport"] as? Int == 80)
    // Behind the first packet it was alone, and unanswered.
    let first = try #require(packets.first?["connections"] as? [[String: Any]])
    #expect(
      first.count == 1 && first[0]["proto"] as? String == "udp" && (first[0]["status"] as? [String])?.contains("SEEN_REPLY") == false)
  }

  /// What `--conntrack` prints is what `--conntrack-from` reads.
  @Test func listedConnectionsAreReadBack() throws {
    let folder = BuiltCommand.root.appending(path: "Examples/nat-gateway")
    let run = "ferrule run --brief --conntrack --host host.yaml"
    let outcome = try BuiltCommand.shell(
      "\(run) ruleset.rules 'wan tcp 198.51.100.7:40000 > 203.0.113.5:8080 S' | grep ^ipv4 | tee /dev/stderr "
        + "| \(run) --conntrack-from - ruleset.rules 'wan tcp 198.51.100.9:40000 > 10.0.0.1:9 S'", in: folder)
    let lines = outcome.text.split(separator: "\n").filter { $0.hasPrefix("ipv4") }
    #expect(lines.count == 2 && lines[0] == lines[1], "\(outcome.text)")
    let bad = try Self.shell(
      "printf '*filter\\nCOMMIT\\n' | ferrule run --conntrack-from $F - 'eth0 tcp 10.0.0.9:1 > 10.0.0.1:2'",
      with: "tcp 6 9 ESTABLISHED src=10.0.0.9 color=red\n")
    #expect(bad.status == 2)
    #expect(bad.text.contains(":1:34:") && bad.text.contains("`color' is not a field of a connection"), "\(bad.text)")
  }

  /// What a helper expects stands beside the connections.
  @Test func expectationsAreJSON() throws {
    let rules =
      "*raw\n-A PREROUTING -p udp --dport 69 -j CT --helper tftp\nCOMMIT\n*filter\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n"
    let request = "45000026000100004011aeb40a000009c000020903e8004500120000000161006f6374657400"
    let outcome = try Self.shell(
      "ferrule run --format json --conntrack --host Examples/nat-gateway/host.yaml $F 'lan hex \(request)'", with: rules)
    let value = try #require(try JSONSerialization.jsonObject(with: Data(outcome.text.utf8)) as? [String: Any], "\(outcome.text)")
    let expectation = try #require((value["expectations"] as? [[String: Any]])?.first, "\(outcome.text)")
    #expect(expectation["helper"] as? String == "tftp" && expectation["timeout"] as? Int == 300)
    #expect((expectation["tuple"] as? [String: Any])?["dport"] as? Int == 1000)
    #expect((value["connections"] as? [[String: Any]])?.first?["helper"] as? String == "tftp")
  }

  @Test func labAnswersLineByLine() throws {
    let scenario =
      #"{"name": "one", "rules": "*filter\n-A FORWARD -j DROP\nCOMMIT\n", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "udp"}]}"#
    let outcome = try Self.shell("ferrule lab < $F", with: scenario + "\n\nno JSON\n")
    let lines = outcome.text.split(separator: "\n")
    #expect(outcome.status == 0)
    #expect(lines.count == 2)
    #expect(lines.first?.contains(#""verdict": "drop""#) == true, "\(outcome.text.prefix(400))")
    #expect(lines.last?.contains(#""error""#) == true)
  }
}
