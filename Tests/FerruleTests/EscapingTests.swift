import Diagnostics
import Foundation
import TestSupport
import Testing

/// What is escaped in each format, and what is not.
@Suite struct EscapingTests {
  @Test(arguments: [
    ("eth0 tcp [2001:db8::1]:80 S \"quoted\\\"\"", "eth0 tcp [2001:db8::1]:80 S \"quoted\\\"\""), ("::1 is loopback", "::1 is loopback"),
    ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("::/0", "::/0"), (" ::error::x", " \\x3a:error::x"), ("x ::error::x", "x ::error::x"),
    ("\u{1B}[2J\u{9B}\u{7F}", "\\x1b[2J\\u{9b}\\x7f"), ("a\r\n\tb", "a\\r\\n\\tb"), ("\u{202E}x\u{E0041}", "\\u{202e}x\\u{e0041}"),
    ("##[error]", "#\\x23[error]"), ("## [x]", "## [x]"), ("##vso[x]", "#\\x23vso[x]"), ("✓ ünï → 日本 👍", "✓ ünï → 日本 👍"),
  ]) func aLineOfText(_ text: String, _ expected: String) { #expect(Escaping.line(text) == expected) }

  @Test func bytesThatAreNoTextAreShownByTheirNumbers() {
    #expect(Escaping.line([0x61, 0x9B, 0xE2, 0x80, 0x62, 0x09, 0xC3, 0xA9] as [UInt8]) == "a\\x9b\\xe2\\x80b é")
    #expect(Escaping.lines(Array("a\u{1B}\nb\n".utf8)) == "a\\x1b\nb\n")
  }

  @Test(arguments: HostileText.strings) func nothingHostileIsLeft(_ text: String) throws {
    let line = Escaping.line(text)
    #expect(HostileText.dangers(in: Array(line.utf8)).isEmpty && !line.contains("\n"), "\(line)")
    #expect(Escaping.line(line) == line)
    for escaped in [Escaping.markup(text), Escaping.tap(text), Escaping.gitHub(text), Escaping.gitHubProperty(text), Escaping.yaml(text)] {
      #expect(HostileText.dangers(in: Array(escaped.utf8), isLog: false).isEmpty && !escaped.utf8.contains(0x0A), "\(escaped)")
    }
    #expect(!Escaping.markup(text).contains { "<>\"'".contains($0) })
    #expect(!Escaping.gitHubProperty(text).contains { ":,".contains($0) })
    #expect(Escaping.tap(text).replacing("\\\\", with: "").replacing("\\#", with: "").contains("#") == false)
  }

  /// The corpus is hostile, and what looks for dangers finds them.
  @Test func dangersAreFound() {
    let harmless: Set = ["<scrip", "key: [", "%0A%25", "\\x1b\\n"]
    for text in HostileText.strings where !harmless.contains(String(text.prefix(6))) {
      #expect(!HostileText.dangers(in: Array(text.utf8)).isEmpty || text.contains("\n"), "\(Escaping.line(text))")
    }
    for bytes in HostileText.bytes { #expect(!HostileText.dangers(in: bytes).isEmpty) }
  }

  @Test func bytesAreAsHarmlessAsText() {
    for bytes in HostileText.bytes { #expect(HostileText.dangers(in: Array(Escaping.line(bytes).utf8)).isEmpty) }
  }

  /// No writer has escapes of its own. The commands of the iptables package answer in the real ones' bytes.
  @Test func eachFormatIsEscapedInOnePlace() throws {
    let sources = ArchitectureTests.root.appending(path: "Sources")
    let files = try #require(FileManager.default.enumerator(atPath: sources.path)).compactMap { $0 as? String }.filter {
      $0.hasSuffix(".swift")
    }
    for file in files where !["Diagnostics/Escaping.swift", "DropIn/XMLDocument.swift"].contains(file) {
      let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
      for escape in ["&lt;", "&amp;", "&quot;", "%0A", "%3A", #""\#"#, #"\\u{"#] {
        #expect(!text.contains(escape), "\(file) has \(escape)")
      }
    }
  }

  @Test func messagesKeepTheirOwnLineEndsAlone() {
    let name = "x\n::error::y"
    #expect(("cannot read \(name)\nadvice" as TerminalText).string == "cannot read x\\n::error::y\nadvice")
    #expect(("\("::error::y" as TerminalText) \(7)" as TerminalText).string == "::error::y 7")
    #expect(TerminalText(lines: "one\u{1B}\n::error::two\n").string == "one\\x1b\n\\x3a:error::two\n")
  }
}
