import Documents
import Lab
import Scenarios
import TestSupport
import Testing
import Wire
import XTables

@Suite(.needsSharedFolder) struct LabComparisonTests {
  @Test func anAnswerAgreesWithItself() throws {
    for recording in try LabRecording.all() {
      let difference = LabComparison(recording.scenario).firstDifference(recording.kernel, recording.kernel)
      #expect(difference == nil, "\(recording.scenario.name): \(difference?.description ?? "")")
    }
  }

  /// Any single number, text or list changed is found, unless the mask covers it.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func aChangeIsFound(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var found = 0
    var changes = 0
    for recording in try LabRecording.all() where recording.scenario.queues.isEmpty {
      let comparison = LabComparison(recording.scenario)
      for _ in 0..<15 {
        var path = ""
        let changed = change(recording.kernel, path: &path, using: &random)
        guard changed != recording.kernel, !["timeout", "brief", "pkt"].contains(where: { path.contains($0) }) else { continue }
        changes += 1
        if comparison.firstDifference(recording.kernel, changed) != nil {
          found += 1
        } else {
          #expect(path.contains("dport") || path.contains("sport"), "\(recording.scenario.name) \(path)")
        }
      }
    }
    #expect(Double(found) > 0.9 * Double(changes), "\(found) of \(changes)")
  }

  private func change(_ value: JSONValue, path: inout String, using random: inout SeededRandom) -> JSONValue {
    switch value {
    case .array(var elements) where !elements.isEmpty:
      let at = Int.random(in: 0..<elements.count, using: &random)
      elements[at] = change(elements[at], path: &path, using: &random)
      return .array(elements)
    case .object(var object) where !object.members.isEmpty:
      let at = Int.random(in: 0..<object.members.count, using: &random)
      path += ".\(object.members[at].name)"
      object.members[at].value = change(object.members[at].value, path: &path, using: &random)
      return .object(object)
    case .integer(let number): return .integer(number + 3)
    case .string(let text):
      // The last digit of a packet: payload, where it has any, else a checksum.
      guard var bytes = Hex.bytes(text), bytes.count > 20 else { return .string(text + "?") }
      bytes[8] ^= 1
      return .string(Hex.string(bytes))
    default: return value
    }
  }

  @Test func theMaskCoversWhatTheKernelChooses() throws {
    let recording = try #require(try LabRecording.all().first { $0.scenario.name == "redirect-original-dst" })
    // The same answer with another initial sequence number and other IP identifications.
    let text = recording.kernel.description
    var other = text
    for (old, new) in [("678abd2b", "1a345678"), ("678abd2c", "1a345679")] { other = other.replacing(old, with: new) }
    #expect(other != text)
    let moved = repaired(try JSONValue(parsing: other))
    let difference = LabComparison(recording.scenario).firstDifference(recording.kernel, moved)
    #expect(difference == nil, "\(difference?.description ?? "")")
    // A sequence number that is off by one within the connection is no choice of the kernel's.
    let wrong = repaired(try JSONValue(parsing: other.replacing("1a345679", with: "1a34567a")))
    #expect(LabComparison(recording.scenario).firstDifference(recording.kernel, wrong)?.path == "steps[1].injected.hex")
  }

  /// Transport checksums computed anew in every packet.
  private func repaired(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements): return .array(elements.map { repaired($0) })
    case .object(let object): return .object(JSONObject(object.members.map { .init($0.name, repaired($0.value)) }))
    case .string(let text):
      guard let bytes = Hex.bytes(text), bytes.count >= 28 else { return value }
      var packet = Packet(bytes: bytes)
      packet.updateTransportChecksum()
      return .string(Hex.string(packet.bytes))
    default: return value
    }
  }

  @Test func aPortOfARangeMayDiffer() throws {
    let recording = try #require(try LabRecording.all().first { $0.scenario.name == "masquerade" })
    let text = recording.kernel.description
    let other = text.replacing("\"dport\": 6000", with: "\"dport\": 6003").replacing("08081770", with: "08081773")
    let moved = repaired(try JSONValue(parsing: other))
    #expect(LabComparison(recording.scenario).firstDifference(recording.kernel, moved) == nil)
    let wrong = repaired(try JSONValue(parsing: other.replacing("0808177300500008", with: "0808177400500008")))
    #expect(LabComparison(recording.scenario).firstDifference(recording.kernel, wrong) != nil)
  }

  @Test func timeoutsMayBeASecondOff() throws {
    let recording = try #require(try LabRecording.all().first { $0.scenario.name == "tcp-lifecycle" })
    let text = recording.kernel.description
    let comparison = LabComparison(recording.scenario)
    #expect(
      comparison.firstDifference(recording.kernel, try JSONValue(parsing: text.replacing("\"timeout\": 120", with: "\"timeout\": 119")))
        == nil)
    #expect(
      comparison.firstDifference(recording.kernel, try JSONValue(parsing: text.replacing("\"timeout\": 120", with: "\"timeout\": 118")))?
        .path == "steps[0].ct[0].timeout")
  }
}
