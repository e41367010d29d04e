import Diagnostics
import Kernel
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What comes from `ferrule-xtables` is read without a trap, however it is broken, and so is what goes to it.
@Suite struct XtablesFuzzTests {
  /// An answer that describes an extension, whole.
  static let description: [UInt8] = {
    var bytes: [UInt8] = []
    func put(_ text: String) { bytes += [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }
    put("moonphase")
    put("moonphase")
    bytes += [3, 32, 0, 0, 0, 24, 0, 0, 0, 2, 0, 0, 0]
    put("phase")
    bytes.append(1)
    put("waxing")
    bytes.append(0)
    return bytes
  }()

  @Test func aWholeDescriptionIsUnderstood() throws {
    var fields = XtablesFields(Self.description)
    let read = fields.facts(.match, .ipv4)
    let facts = try #require(read)
    #expect(fields.isAtEnd)
    #expect(facts.name == "moonphase" && facts.revision == 3 && facts.size == 32 && facts.userSize == 24)
    #expect(facts.options.map(\.name) == ["phase", "waxing"])
    #expect(XtablesAnswer([2, 1, 2, 0, 0, 0, 0x61, 0x62]) == .refused(status: 1, "ab"))
    #expect(XtablesAnswer([]) == nil)
    #expect(XtablesAnswer([1, 255, 255, 255, 255]) == nil)
  }

  @Test func brokenAnswersAreRead() {
    var random = SeededRandom(seed: 1)
    var understood = 0
    for _ in 0..<20_000 {
      var bytes = Self.description
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(at...)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        }
      }
      var fields = XtablesFields(bytes)
      if let facts = fields.facts(.match, .ipv4) {
        understood += 1
        #expect(facts.userSize <= facts.size && facts.size % 8 == 0)
      }
      var state = XtablesFields(bytes)
      _ = state.state()
      _ = XtablesAnswer(bytes)
    }
    #expect(understood > 100)
  }

  /// The program gives up over requests that are none; it does not crash.
  @Test func brokenRequestsEndTheProgram() throws {
    var random = SeededRandom(seed: 2)
    for _ in 0..<60 {
      let load: [UInt8] = [0x6e, 0, 5, 0, 0, 0] + Array("limit".utf8) + [255, 255, 255, 255]
      let letter = Array("ofphnx".utf8).randomElement(using: &random) ?? 0
      let body = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
      var input: [UInt8] = []
      for frame in [load, [letter] + body] { input += [UInt8(frame.count), 0, 0, 0] + frame }
      let ended = try HostProcess.run(
        BuiltPrograms.folder + "/" + XtablesExtensions.programName, ["ipv4"], input: String(decoding: input, as: UTF8.self))
      #expect(ended.status < 128, "\(letter) \(body)")
    }
  }

  /// An extension that is silent for ever is given up, and the one after it is read.
  @Test func anExtensionThatDoesNotAnswerIsEnded() throws {
    let registry = Registry().asking(
      XtablesExtensions(
        program: BuiltPrograms.folder + "/" + XtablesExtensions.programName, libraries: try ForeignLibraries.folder.get(),
        patience: .seconds(3)))
    let text = "*filter\n-A INPUT -j HOSTILE --parse hang\n-A INPUT -j DROP\nCOMMIT\n"
    let parsed = RulesetParser(registry: registry, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    let told = parsed.diagnostics.flatMap { [$0.message] + $0.notes.map(\.message) }
    #expect(told.contains { $0.contains("did not answer in time") }, "\(told)")
    #expect(parsed.ruleset.tables.first?[chain: "INPUT"]?.rules.count == 1)
  }
}
