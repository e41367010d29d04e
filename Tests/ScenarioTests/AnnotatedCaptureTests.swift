import Capture
import Extensions
import FoundationEssentials
import Suites
import Testing
import Wire

@Suite("Captures with remarks")
struct AnnotatedCaptureTests {
  /// What is written, libpcap reads; the remarks stand where Wireshark looks for them.
  @Test func libpcapReadsThePackets() throws {
    var runner = TestRunner(registry: .ferrule)
    runner.recordsPackets = true
    let suite = runner.run([Suites.read(TestRunnerTests.head + "      - udp: eth0 10.0.0.9:1000 > 192.0.2.1:53\n")])[0]
    let records = suite.tests[0].records
    #expect(records.map { "\($0.interface) \($0.isArriving)" } == ["eth0 true", "eth2 false", "eth2 true", "eth0 false"])
    var capture = AnnotatedCapture()
    for record in records {
      capture.append(
        .init(time: record.time, interface: record.interface, isArriving: record.isArriving, bytes: record.bytes, comment: record.comment))
    }
    let path = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(UUID().uuidString).pcapng").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(capture.bytes).write(to: URL(filePath: path))
    let (frames, damage) = try CaptureReader.read(path: path)
    #expect(damage == nil)
    #expect(frames.map { $0.packet?.bytes } == records.map(\.bytes))
    #expect(frames.map(\.timestamp) == records.map(\.time))
    let text = String(decoding: capture.bytes, as: UTF8.self)
    #expect(text.contains("sent eth2\nnat PREROUTING policy: :PREROUTING ACCEPT\nfilter FORWARD 1: -A FORWARD -i eth0 -j ACCEPT"))
  }
}

@Suite("Writing what came of tests into their file")
struct TestUpdateTests {
  @Test func updateRewritesOnlyTheVerdictsThatDiffer() throws {
    let text =
      TestRunnerTests.head + """
              - eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S => drop   # a remark
              - eth1 tcp 10.0.1.9:1000 > 10.0.0.1:80 S
              - 'eth0 udp 10.0.0.9:1000 > 10.0.0.1:53 => local'
              - {packet: eth0 tcp 10.0.0.9:1001 > 10.0.0.1:80 S, expect: {verdict: drop INPUT, rule: web 1}}
              - {packet: eth0 tcp 10.0.0.9:1002 > 10.0.0.1:80 S, expect: local}

        """
    let update = TestUpdate(Suites.run(text))
    let wanted = text.replacing("S => drop   #", with: "S => local   #").replacing("10.0.0.1:80 S\n", with: "10.0.0.1:80 S => drop INPUT\n")
      .replacing("=> local'", with: "=> reject INPUT'").replacing("verdict: drop INPUT", with: "verdict: local")
    #expect(String(decoding: update.bytes, as: UTF8.self) == wanted)
    #expect(update.count == 4)
    let again = Suites.run(String(decoding: update.bytes, as: UTF8.self))
    #expect(again.count(.passed) == 1)
    #expect(TestUpdate(again).count == 0)
  }

  /// Every kind of value that an author may expect, wrong, is put right; the file then holds.
  @Test func everyKindOfValueIsWritten() {
    let packet = "packet: eth0 udp 10.0.0.9:1000 > 192.0.2.1:53"
    func text(_ values: [String]) -> String {
      TestRunnerTests.head + """
              - {\(packet), expect: {verdict: \(values[0]), rule: \(values[1]), out: \(values[2]), mark: \(values[3]), queue: \(values[4])}}
              - {\(packet), expect: {packet: {src: \(values[5]), ttl: \(values[6])}, errno: \(values[7]), answer: \(values[8])}}
              - {\(packet), expect: {nat: {source: \(values[9])}, conntrack: {mark: \(values[10]), zone: 0}}}
              - packet: eth0 tcp 10.0.0.9:1000 > 10.0.0.1:80 S
                expect:
                  conntrack: \(values[11])
                  counters: {web 1: \(values[12]), INPUT 1: 0}
              - {packet: eth0 udp 10.0.0.9:7 > 10.0.0.1:9, expect: {answer: \(values[13])}}

        """
    }
    let wrong = text([
      "drop", "nat POSTROUTING policy", "eth1", "0x5/0xf", "3", "1.2.3.4", "9", "EPERM", "tcp RA", "4.3.2.1", "7", "ESTABLISHED", "5",
      "none",
    ])
    let right = text([
      "sent eth2", "nat POSTROUTING 1", "eth2", "0x0/0xf", "none", "198.51.100.1", "63", "none", "none", "198.51.100.1", "0x0", "SYN_SENT",
      "1",
      "icmp 3/3",
    ])
    let update = TestUpdate(Suites.run(wrong))
    #expect(String(decoding: update.bytes, as: UTF8.self) == right)
    #expect(update.count == 14)
    #expect(Suites.run(right).count(.passed) == 1)
  }
}
