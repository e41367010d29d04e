import Foundation
import TestSupport
import Testing

/// Memory grows with what is shown, not with what a packet or a file goes through.
@Suite struct MemoryTests {
  private static let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-memory-\(getpid())")

  /// Writes a file, by default into a folder of its own: tests run at the same time.
  private static func file(_ name: String, _ text: String, beside other: String? = nil) throws -> String {
    let folder = other.map { URL(filePath: $0).deletingLastPathComponent() } ?? folder.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appending(path: name)
    try Data(text.utf8).write(to: file)
    return file.path
  }

  private static func run(_ arguments: [String]) throws -> (MeasuredProcess, output: String) {
    let process = try MeasuredProcess(BuiltPrograms.folder + "/ferrule", arguments)
    return (process, process.output)
  }

  /// Chains that jump twice each: a packet meets 2^(levels + 1) entries.
  private static func tower(_ levels: Int, _ leaf: String = "-p udp -j RETURN") -> String {
    let names = (0..<levels).map { ":c\($0) - [0:0]\n" }.joined()
    let rules = (1..<levels).map { "-A c\($0 - 1) -j c\($0)\n-A c\($0 - 1) -j c\($0)\n" }.joined()
    return "*filter\n\(names)-A FORWARD -j c0\n\(rules)-A c\(levels - 1) \(leaf)\nCOMMIT\n"
  }

  private static let host = """
    interfaces:
      eth0: {addresses: [10.0.0.1/24]}
      eth1: {addresses: [10.0.1.1/24]}
    sysctls: {net.ipv4.ip_forward: 1}

    """
  private static let packet = "eth0 tcp 10.0.0.9:1 > 10.0.1.9:2 S"

  /// A trace of this walk as a list of its entries would take some 300 MB.
  @Test(arguments: [
    ["run", "--brief"], ["run"], ["run", "--format", "json"], ["run", "--format", "jsonl"], ["test"], ["coverage"], ["lint"],
  ])
  func aWalkOfAMillionEntriesTakesNoRoom(_ command: [String]) throws {
    let rules = try Self.file("tower.rules", Self.tower(19))
    let host = try Self.file("host.yaml", Self.host)
    let scenario = try Self.file(
      "scenario.yaml",
      """
      rules: tower.rules
      host:
        interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}
        sysctls: {net.ipv4.ip_forward: 1}
      tests:
        - name: a
          steps:
            - {packet: "\(Self.packet)", expect: {verdict: sent eth1, matches: filter c17 2}}

      """, beside: rules)
    let isRun = command[0] == "run"
    let files = isRun ? ["--host", host, rules, Self.packet] : [command[0] == "lint" ? rules : scenario]
    let (process, output) = try Self.run(command + files)
    #expect(process.status == (command[0] == "lint" ? 1 : 0), "\(output.prefix(2000))")
    #expect(process.peakKilobytes < 100_000, "\(process.peakKilobytes) KB")
    if isRun { #expect(output.contains("sent through eth1") && output.utf8.count < 3_000_000) }
    if command[0] == "lint" {
      #expect(output.contains("one packet can pass 1310719 rules and chain ends in FORWARD"), "\(output.suffix(2000))")
    }
  }

  @Test func logsOfTheLeavesTakeNoRoom() throws {
    let rules = try Self.file("logging.rules", Self.tower(16, "-j LOG --log-prefix \"a leaf: \""))
    let host = try Self.file("host.yaml", Self.host)
    let (process, output) = try Self.run(["run", "--host", host, rules, Self.packet])
    #expect(process.status == 0 && process.peakKilobytes < 100_000, "\(process.peakKilobytes) KB")
    #expect(output.contains("… 31768 more log lines, messages and notes"))
  }

  /// Packets are printed as they are played, and their file is read in pieces.
  @Test(arguments: [["--brief"], [], ["--format", "json"], ["--format", "jsonl"]])
  func packetsAreNotCollected(_ options: [String]) throws {
    let rules = try Self.file("plain.rules", "*filter\n-A FORWARD -p tcp -j ACCEPT\nCOMMIT\n")
    let host = try Self.file("host.yaml", Self.host)
    func peak(_ count: Int) throws -> Int {
      let lines = (0..<count).map { "eth0 tcp 10.0.0.9:\($0 % 60000 + 1) > 10.0.1.9:2 S\n" }.joined()
      let packets = try Self.file("packets-\(count).txt", lines)
      let (process, output) = try Self.run(["run", "--host", host] + options + ["--packets", packets, rules])
      #expect(process.status == 0)
      #expect(output.contains("eth0 tcp 10.0.0.9:\(count) > 10.0.1.9:2 S"), "the last packet is told")
      return process.peakKilobytes
    }
    let (few, many) = (try peak(500), try peak(10_000))
    // A kilobyte a packet would make ten thousand. What remains is the flow's sequence number.
    #expect(many - few < 8_000, "\(few) KB, then \(many) KB")
  }

  @Test func aMistakeBehindTheFirstPieceIsToldWithItsLine() throws {
    let lines = String(repeating: "eth0 tcp 10.0.0.9:1 > 10.0.1.9:2 S\n", count: 5000) + "eth0 nonsense\n"
    let packets = try Self.file("mistaken.txt", lines)
    let rules = try Self.file("plain.rules", "*filter\nCOMMIT\n")
    for arguments in [["--packets", packets, rules], ["--format", "jsonl", "--packets", packets, rules]] {
      let (process, output) = try Self.run(["run"] + arguments)
      #expect(process.status == 2)
      #expect(output.contains("mistaken.txt:5001:6: error: "), "\(output.prefix(300))")
      #expect(!output.contains("=>"), "nothing is played before all is read")
    }
  }

  /// Files beyond a limit are refused before they are read.
  @Test func whatIsTooLongIsRefusedAtOnce() throws {
    let rules = try Self.file("plain.rules", "*filter\nCOMMIT\n")
    let large = try Self.file("large", "")
    let isMade = unsafe truncate(large, 3 << 30) == 0
    try #require(isMade)
    let lines: [[String]] = [
      ["lint", large], ["show", large], ["fmt", large], ["compile", large, "-o", "/dev/null"], ["apply", "--test", large], ["test", large],
      ["run", "--host", large, rules, Self.packet], ["run", "--ipset", large, rules, Self.packet],
      ["run", "--ip-addr", large, rules, Self.packet], ["run", "--packets", large, rules],
    ]
    for line in lines {
      let (process, output) = try Self.run(line)
      #expect(process.status == 2, "\(line): \(output.prefix(300))")
      #expect(output.contains("longer than"), "\(line): \(output.prefix(300))")
      #expect(process.peakKilobytes < 100_000, "\(line): \(process.peakKilobytes) KB")
    }
  }

  /// A device or pipe that never ends is refused after a bounded number of bytes.
  @Test(arguments: ["ferrule lint /dev/zero", "cat /dev/zero | ferrule fmt -"]) func whatNeverEndsIsRefused(_ line: String) throws {
    let outcome = try BuiltCommand.shell(line)
    #expect(outcome.status == 2, "\(outcome.text.prefix(300))")
    #expect(
      outcome.text.contains("is longer than 536870912 bytes, the most that is read from a pipe or a device"), "\(outcome.text.prefix(300))")
  }

  @Test func aMessageQuotesLittleOfALongLine() throws {
    let rules = try Self.file("long.rules", "*filter\n-A INPUT --" + String(repeating: "x", count: 9000) + " -j ACCEPT\nCOMMIT\n")
    let (process, output) = try Self.run(["lint", rules])
    #expect(process.status == 2)
    #expect(output.utf8.count < 2000, "\(output.prefix(3000))")
    let packets = try Self.file("long.txt", "eth0 " + String(repeating: "y", count: 100_000) + "\n")
    let plain = try Self.file("plain.rules", "*filter\nCOMMIT\n")
    let (second, text) = try Self.run(["run", "--packets", packets, plain])
    #expect(second.status == 2)
    #expect(text.utf8.count < 2000, "\(text.prefix(3000))")
  }
}
