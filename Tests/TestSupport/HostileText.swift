/// Names and remarks as nobody should find them in a file: what drives a terminal, a log reader, a browser or a reader of reports.
package enum HostileText {
  /// Texts of which each stands for a kind.
  package static let strings: [String] = [
    "\u{1B}[2J\u{1B}]0;title\u{07}", "\u{9B}2J\u{85}\u{90}", "\u{7F}\u{08}\u{0B}\u{0C}", "\u{202E}desrever\u{2066}\u{2069}\u{200F}\u{061C}",
    "zero\u{200B}\u{200D}\u{2060}\u{FEFF}width\u{AD}", "line\u{2028}paragraph\u{2029}end",
    "tag\u{E0001}\u{E0041}\u{E007F}\u{FE0F}\u{E0100}",
    "non\u{FFFE}\u{FFFF}\u{10FFFF}character", "a\n::error::forged", "a\r::error file=x::forged", "\r\n ::set-output name=x::y",
    "::error::forged",
    " \u{A0}::warning::forged", "##[error]forged", "##vso[task.complete]forged", "t # skip\nok 99 - forged", "x # TODO\nnot ok 1\n1..0",
    "Bail out!\nBail out! forged",
    "end\nend_of_record\nSF:/etc/passwd", "<script>alert(1)</script>]]>&\"'<!--", "key: [value, \"x\"] # remark", "\t\ttabs",
    "%0A%25::x,y=z",
    "\u{1F600}\u{200D}\u{1F4A9} ünï→cødé", "\\x1b\\n\\u{202e}", "...\n---\n",
  ]

  /// Bytes that are no text.
  package static let bytes: [[UInt8]] = [
    [0x61, 0x9B, 0x32, 0x4A], [0xC2, 0x61], [0xFF, 0xFE, 0x62], [0xE2, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
  ]

  /// Everything that can stand in one word of a ruleset's line: no blanks, quotes and line ends, at most 24 bytes.
  package static let words: [[UInt8]] = (strings.map { Array($0.utf8) } + bytes).map { text in
    Array(text.filter { ![0x00, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x22, 0x27, 0x5C].contains($0) }.prefix(24))
  }

  /// What in the output of a command could be obeyed instead of read; nothing where the output is harmless.
  ///
  /// - Parameter isLog: the output is read by people and by log readers, who take `::name::` and `##[name]` for commands.
  package static func dangers(in output: [UInt8], isLog: Bool = true) -> [String] {
    guard let text = String(validating: output, as: UTF8.self) else { return ["the output is not UTF-8"] }
    var found = text.unicodeScalars.filter { isDangerous($0) }.map { "U+" + String($0.value, radix: 16, uppercase: true) }
    guard isLog else { return found }
    for line in text.unicodeScalars.split(separator: "\n") {
      let start = line.drop { $0.properties.isWhitespace }
      let commands = ["error", "warning", "notice", "set-output", "add-mask", "x"]
      if commands.contains(where: { start.starts(with: "::\($0)".unicodeScalars) }) {
        found.append("a line begins \(String(start.prefix(12)))")
      }
    }
    for mark in ["##[", "##vso["] where text.contains(mark) { found.append(mark) }
    return found
  }

  private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A: false
    case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFE00...0xFE0F, 0xFEFF, 0xFFFE, 0xFFFF,
      0xE0000...0xE0FFF, 0x10FFFF:
      true
    default: false
    }
  }
}
