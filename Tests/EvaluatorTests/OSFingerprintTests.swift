import Documents
import Extensions
import Lab
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

@Suite("Fingerprints of operating systems") struct OSFingerprintTests {
  /// A kernel that `nfnl_osf` had given the same text was asked once: its table is the whole machine's, which no test may touch.
  @Test("fingerprints match as in the kernel")
  func fingerprintsMatchAsInTheKernel() throws {
    let record = try #require(try PackageFolder.fixture("kernel-osf.jsonl").first)
    let answer = LabEngine(registry: .ferrule).play(try Scenario(record["scenario"] ?? .null))
    #expect(answer.error == nil)
    let kernel = try #require(record["hits"]?.elements)
    #expect(kernel.count == 38 && kernel.count == answer.steps.count)
    for (own, other) in zip(answer.steps, kernel) {
      #expect(own.json["hits"]?.elements?.filter { $0.elements?.first?.text == "filter" } == other.elements, "step \(own.index)")
    }
  }

  @Test("a match on fingerprints that were not given is unknown")
  func fingerprintsThatWereNotGivenAreUnknown() throws {
    let scenario = try Scenario(
      line: #"""
        {"rules": "*filter\n-A INPUT -p tcp -m osf --genre Penguin -j DROP\nCOMMIT\n", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.0.1",
        "proto": "tcp", "sport": 7, "dport": 8, "flags": "S"}]}
        """#)
    let verdict = try #require(LabEngine(registry: .ferrule).play(scenario).steps.first?.packets.first?.verdict)
    #expect(verdict.kind == .unknown)
    #expect(verdict.by?.contains("pf.os") == true)
  }

  @Test(
    "a mistake in a fingerprint file names its line",
    arguments: [
      "S4:64:1:60:M*:Linux", "x:64:1:60:M*:Linux:::", "S4:256:1:60:M*:Linux:::", "S4:64:2:60:M*:Linux:::", "S4:64:1:65536:M*:Linux:::",
      "%0:64:1:60:M*:Linux:::", "S4:64:1:60:T,T,T,T,N:Linux:::", "4294967296:64:1:60:M*:Linux:::", ":64:1:60:M*:Linux:::",
      "S:64:1:60::Linux:::",
    ])
  func mistakesInFingerprintsNameTheirLine(_ line: String) throws {
    do throws(OSFingerprintError) {
      _ = try OSFingerprints(text: "# a comment\n\n\(line)\n")
      Issue.record("it was read")
    } catch {
      #expect(error.line == 3)
    }
  }

  @Test("any text is read or refused, and any packet can be compared")
  func anyTextIsReadOrRefusedAndAnyPacketCompared() {
    var random = SeededRandom(seed: 7)
    let fallback = "*:64:0:60:M*,S,T,N,W7:Linux:::\n*:0:0:40::x:::\n"
    let parts = [
      "S", "T", "%", "*", "4", "64", ":", ":", ":", ":", ",", "M", "N", "E", "W", "1", "0", "\n", "#", " ", "\t", "é", "60", "Linux",
    ]
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0..<60, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
      guard let known = (try? OSFingerprints(text: text)) ?? (try? OSFingerprints(text: fallback)) else { continue }
      var bytes = (0..<Int.random(in: 0..<90, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      if !bytes.isEmpty { bytes[0] = 0x45 }
      if bytes.count > 33 { bytes[33] |= 2 }
      _ = known.matches(Packet(bytes: bytes), genre: nil, .any)
    }
  }
}
