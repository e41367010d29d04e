import Foundation
import FoundationXML
import TestSupport

/// Rulesets and scenario files with the hostile corpus in every place that bears a name.
struct HostileFiles {
  /// A text as YAML and JSON read it, with every character beyond letters and digits escaped.
  static func quote(_ text: String) -> String {
    let units = text.unicodeScalars.map { scalar in
      let isPlain = scalar.value < 0x7F && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == " ")
      return isPlain
        ? String(scalar)
        : "\\U" + String(repeating: "0", count: 8 - String(scalar.value, radix: 16).count) + String(scalar.value, radix: 16)
    }
    return "\"\(units.joined())\""
  }

  /// Loads: a chain, a comment, a log prefix, an interface of each word.
  var sound: [UInt8] {
    var text = Array("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".utf8)
    let words = HostileText.words.enumerated()
    for (index, word) in words { text += Array(":".utf8) + Self.chain(index, word) + Array(" - [0:0]\n".utf8) }
    for (index, word) in words {
      text +=
        Array("# ".utf8) + word + Array("\n-A FORWARD -p udp -m comment --comment \"".utf8) + word + Array("\" -j ".utf8)
        + Self.chain(index, word)
      text += Array("\n-A FORWARD -s 10.0.0.5/24 -j LOG --log-prefix \"".utf8) + word + Array("\"\n-A INPUT -i \"".utf8)
      text +=
        word.filter { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "!") }.prefix(12) + Array("\" -j DROP\n-A ".utf8)
        + Self.chain(index, word)
      text += Array(" -m comment --comment \"".utf8) + word + Array("\" -j RETURN\n".utf8)
    }
    return text + Array("COMMIT\n".utf8)
  }

  /// A chain's name with as much of a word as fits. A name that is not UTF-8 is refused, so that such a word is left out.
  private static func chain(_ index: Int, _ word: [UInt8]) -> [UInt8] {
    var part = word.prefix(20)
    while !part.isEmpty, String(validating: part, as: UTF8.self) == nil { part.removeLast() }
    return Array("c\(index)".utf8) + part
  }

  /// Loads, for when the file's name is what matters.
  var small: [UInt8] { Array("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.0.0.5/24 -p udp -j ACCEPT\nCOMMIT\n".utf8) }

  /// Is refused in every line.
  var broken: [UInt8] {
    var text = Array("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".utf8)
    for word in HostileText.strings.map({ Array($0.utf8) }) + HostileText.bytes {
      for head in [
        ":", ":x ", "-A ", "-A FORWARD -j ", "-A FORWARD -m ", "-A FORWARD --", "-A FORWARD -s ", "-A FORWARD -p ", "-A FORWARD -i ", "*",
        "-A FORWARD -m set --match-set ", "-A FORWARD -p tcp -m tcp --dport ", "-A FORWARD -m limit --limit ",
        "-A FORWARD -m conntrack --ctstate ", "",
      ] { text += Array(head.utf8) + word + [0x0A] }
    }
    return text + Array("COMMIT\n".utf8)
  }

  /// For each text a test that passes, one that is skipped and one that fails.
  func scenario(rules: String, _ texts: [String] = HostileText.strings) -> [UInt8] {
    var text = "name: \(Self.quote(texts.joined()))\nrules: \(Self.quote(rules))\n"
    text += "host: {interfaces: {eth0: [10.0.0.1/24], eth1: [10.0.1.1/24]}, sysctls: {net.ipv4.ip_forward: 1}}\ntests:\n"
    for name in texts.map({ Self.quote($0) }) {
      text += "  - {name: \(name), steps: [\"eth0 udp 10.0.0.9:1000 > 10.0.1.9:80 => sent eth1\"]}\n"
      text += "  - {name: \(name), skip: \(name), steps: [\"eth0 udp 10.0.0.9:1000 > 10.0.1.9:80\"]}\n"
      text += "  - {name: \(name), steps: [{packet: \"eth0 udp 10.0.0.9:1000 > 10.0.1.9:80\", expect: {verdict: drop}}]}\n"
    }
    return Array(text.utf8)
  }

  /// Tests that cannot be understood, each for a hostile reason.
  var brokenScenario: [UInt8] {
    var text = "rules: |\n  *filter\n  COMMIT\nhost: {interfaces: {eth0: [10.0.0.1/24]}}\ntests:\n"
    for name in HostileText.strings.map({ Self.quote($0) }) {
      text +=
        "  - {name: \(name), \(name): 1, steps: []}\n  - {name: \(name), steps: [\(name)]}\n  - {name: \(name), steps: [{\(name): \(name)}]}\n"
      text += "  - {name: \(name), rules: \(name), steps: []}\n  - {name: \(name), snapshot: \(name), steps: []}\n"
      text += "  - {name: \(name), host: {interfaces: {\(name): [\(name)]}, routes: [\(name)], sysctls: {\(name): \(name)}}, steps: []}\n"
    }
    return Array(text.utf8)
  }

  /// Lines of the lab's protocol: scenarios with hostile names and hostile parts, and lines that are none.
  var lab: [UInt8] {
    func json(_ text: String) -> String { String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self) }
    return HostileText.strings.flatMap { text in
      let name = json(text)
      return [
        "{\"name\": \(name), \"steps\": []}\n", "{\"name\": \(name), \(name): 1, \"steps\": [{\(name): 1}]}\n",
        "{\"name\": \(name), \"ruleset\": \(json("*filter\n-A INPUT -j \(text)\nCOMMIT\n")), \"steps\": []}\n", "\(text)\n",
      ]
    }.flatMap { Array($0.utf8) } + HostileText.bytes.flatMap { $0 + [0x0A] }
  }
}

/// The values of the attributes of a document of XML, which must be well formed.
final class XMLNames: NSObject, XMLParserDelegate {
  private var found: [String: [[String: String]]] = [:]

  struct Malformed: Error { let reason: String }

  init(_ bytes: [UInt8]) throws {
    super.init()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = self
    guard parser.parse() else { throw Malformed(reason: "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "")") }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
  ) {
    found[name, default: []].append(attributes)
  }

  subscript(element: String, attribute: String) -> [String] { (found[element] ?? []).compactMap { $0[attribute] } }
}
