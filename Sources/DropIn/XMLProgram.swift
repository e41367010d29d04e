import Diagnostics
import Kernel
import Syntax
import XTables

/// Runs `iptables-xml`, which converts a ruleset to XML without interpreting its options. The corresponding C function is
/// `iptables_xml_main`.
extension Session {
  mutating func xml(_ arguments: [String]) throws(Exit) -> Int32 {
    var options = ShortOptions(arguments, known: "cvh", long: [("verbose", "v"), ("combine", "c"), ("help", "h")])
    var document = XMLDocument()
    var isVerbose = false
    var files: [String] = []
    while let option = options.next() {
      switch option {
      case .found("c", _): document.combines = true
      case .found("v", _):
        print("xptables-xml")
        isVerbose = true
      case .found:
        throw Exit(
          status: 1,
          message: """
            Usage: \(name) [-c] [-v] [-h]
                      [--combine ]
            \t   [ --verbose ]
            \t   [ --help ]

            """)
      case .wrong(let complaint): complain("\(calledAs): \(complaint)\n")
      case .argument(let word): files.append(word)
      }
    }
    if files.count > 1 { throw Exit(status: 1, message: "Unknown arguments found on commandline") }
    let bytes: [UInt8]
    do throws(KernelError) { bytes = try HostFile.bytes(files.first ?? "-") } catch {
      throw Exit(status: 1, message: "Can't open \(files.first ?? "standard input"): \(error.error?.text ?? "")")
    }
    print("<iptables-rules version=\"1.0\">")
    let file = SourceFile(name: "", bytes: bytes)
    for line in RulesetSyntax(file).lines {
      do throws(Exit) { try xml(line, in: file, isVerbose: isVerbose, &document) } catch {
        put(document.takeText())
        throw error
      }
      put(document.takeText())
    }
    if document.isInTable {
      throw Exit(status: 1, message: "\(name): COMMIT expected at line \(file.lineCount + 1)\n")
    }
    print("</iptables-rules>")
    return 0
  }

  private mutating func xml(
    _ line: LineSyntax, in file: SourceFile, isVerbose: Bool, _ document: inout XMLDocument
  ) throws(Exit) {
    let number = file.position(of: Int(line.range.lowerBound)).line
    let text = file.bytes[line.content.range]
    if line.kind == .blank { return }
    if line.kind == .comment { return document.comment(text) }
    if isVerbose { document.lineComment(number, text) }
    switch line.kind {
    case .commit where document.isInTable: document.closeTable()
    case .table:
      guard let name = Self.fields(text).first else {
        throw xmlFailure("\(name): line \(number) table name invalid", number)
      }
      document.openTable(name)
    case .chain where document.isInTable:
      let fields = Self.fields(text)
      guard let chain = fields.first else {
        throw xmlFailure("\(name): line \(number) chain name invalid", number)
      }
      guard fields.count > 1 else { throw xmlFailure("\(name): line \(number) policy invalid", number) }
      document.saveChain(chain, policy: fields[1], RuleCounters.counters(fields.count > 2 ? fields[2] : []))
    default:
      guard document.isInTable else { throw Exit(status: 1, message: "\(name): line \(number) failed\n") }
      try xmlRule(line, in: file, number, &document)
    }
  }

  private func xmlRule(
    _ line: LineSyntax, in file: SourceFile, _ number: Int, _ document: inout XMLDocument
  ) throws(Exit) {
    let counters: RuleCounters
    let words: [XMLDocument.Word]
    do throws(OptionError) {
      counters = try RuleCounters(of: file.bytes[line.content.range], line: number)
      words = try Lexer.words(of: file.bytes, in: counters.rest, takesNewline: true) { _ in }.tokens.map { token in
        XMLDocument.Word(bytes: token.bytes, isQuoted: file.bytes[token.range.range].contains(UInt8(ascii: "\"")))
      }
    } catch {
      throw xmlFailure(error.message, number)
    }
    guard let command = words.firstIndex(where: { $0.bytes.elementsEqual("-A".utf8) }), command + 1 < words.count else {
      throw Exit(status: 1, message: "\(name): line \(number) failed - no chain found\n")
    }
    document.needChain(words[command + 1].bytes)
    document.rule(words, packets: counters.packets, bytes: counters.bytes)
  }

  /// A failure whose message lacks the word `(legacy)`, as in iptables-xml.
  private func xmlFailure(_ message: String, _ line: Int) -> Exit {
    Exit(status: 2, message: "\(name) v\(Self.version): \(message)\n" + tryHelp(line))
  }

  /// The words after the first character.
  static func fields(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    text.dropFirst().split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }
}
