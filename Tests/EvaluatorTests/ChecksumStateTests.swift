import Extensions
import Lab
import Scenarios
import Testing
import XTables

@Suite("Checksums that are left to the network card")
struct ChecksumStateTests {
  /// UDP leaves its checksum to devices that can compute it. Whether they can is not known. The sum of the pseudo-header is 0x1424.
  @Test("only a value that one form of a datagram's checksum has is unknown", arguments: ["OUTPUT", "POSTROUTING"])
  func aDatagramsChecksumIsUnknown(_ chain: String) throws {
    #expect(try answer(chain, value: "0x1424").contains("the network card completes the checksum"))
    #expect(try !answer(chain, value: "0x1425").contains("the network card completes the checksum"))
  }

  private func answer(_ chain: String, value: String) throws -> String {
    let step =
      #"{"local": {"via": "udp"}, "src": "10.0.0.1", "dst": "10.0.0.9", "proto": "udp", "sport": 4000, "dport": 53, "payload": "x"}"#
    let rules = #"*mangle\n-A \#(chain) -p udp -m u32 --u32 \"0>>22&0x3C@4&0xFFFF=\#(value)\" -j DROP\nCOMMIT\n"#
    let scenario = try Scenario(line: #"{"rules": "\#(rules)", "mode": "stack", "steps": [\#(step)]}"#)
    return "\(LabEngine(registry: .ferrule).play(scenario).json)"
  }
}
