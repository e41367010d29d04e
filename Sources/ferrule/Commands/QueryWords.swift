import Diagnostics
import Netfilter
import XTables

/// The words of a question, as matches of a rule.
struct QueryWords {
  private(set) var matches = ""
  private(set) var isLocal = false
  private var hasOutput = false

  /// The hooks to which the packets may come.
  var hooks: [Hook] { isLocal ? [.output] : hasOutput ? [.forward] : [.input, .forward] }

  init(_ text: String) throws {
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    // A line break would begin another line of the ruleset that is parsed.
    guard !text.contains(where: { $0.isNewline || $0 == "\0" }) else { throw CommandFailure("the packets: a line break is not allowed") }
    if words.contains(where: { $0.hasPrefix("-") }) {
      guard !words.contains(where: { ["-j", "-g", "--jump", "--goto", "-A", "-t"].contains($0) }) else {
        throw CommandFailure("the packets `\(text)': only matches are allowed, no chain and no target")
      }
      matches = text
      hasOutput = words.contains("-o")
      isLocal = hasOutput && !words.contains("-i")
    } else {
      try read(words)
    }
    if !matches.contains("state") { matches += " -m conntrack --ctstate NEW" }
  }

  private mutating func read(_ words: [String]) throws {
    var parts: [String] = []
    var protocolName: String?
    var ports: [String] = []
    var index = 0
    var isInverted = false
    func value() throws -> String {
      guard index + 1 < words.count else { throw CommandFailure("the packets: `\(words[index])' needs a value") }
      return words[index + 1]
    }
    while index < words.count {
      let inversion = isInverted ? "! " : ""
      var length = 2
      switch words[index] {
      case "not", "!":
        isInverted = true
        index += 1
        continue
      case "local":
        isLocal = true
        length = 1
      case "in": parts.append("\(inversion)-i \(try value())")
      case "out":
        hasOutput = true
        parts.append("\(inversion)-o \(try value())")
      case "src": parts.append("\(inversion)-s \(try value())")
      case "dst": parts.append("\(inversion)-d \(try value())")
      case "sport": ports.append("\(inversion)--sport \(try value())")
      case "dport": ports.append("\(inversion)--dport \(try value())")
      case "state": parts.append("-m conntrack \(inversion)--ctstate \(try value())")
      case "mark": parts.append("-m mark \(inversion)--mark \(try value())")
      default:
        protocolName = words[index]
        parts.append("\(inversion)-p \(words[index])")
        length = 1
      }
      isInverted = false
      index += length
    }
    if !ports.isEmpty {
      guard let protocolName, ["tcp", "udp", "sctp", "dccp", "udplite"].contains(protocolName) else {
        throw CommandFailure("the packets: `sport' and `dport' need tcp, udp, sctp, dccp or udplite")
      }
      parts.append("-m \(protocolName) " + ports.joined(separator: " "))
    }
    matches = parts.joined(separator: " ")
  }
}
