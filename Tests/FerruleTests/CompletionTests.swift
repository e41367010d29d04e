import Extensions
import Foundation
import Grammar
import TestSupport
import Testing
import XTables

/// The completions of the shells, which `make grammar` writes.
@Suite struct CompletionTests {
  static let folder = PackageFolder.path + "/Grammar/completions/"

  /// A file and the text that it must hold.
  @Test(arguments: [("ferrule.bash", "bash"), ("_ferrule", "zsh"), ("ferrule.fish", "fish"), ("iptables.bash", nil)])
  func isFresh(_ name: String, _ shell: String?) throws {
    let expected =
      try shell.map { try BuiltCommand.shell("ferrule --generate-completion-script \($0)").text }
      ?? ShellCompletion(registry: .ferrule).bash
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try Data(expected.utf8).write(to: URL(filePath: Self.folder + name))
    }
    #expect(try TextFile.text(Self.folder + name) == expected, "run: make grammar")
  }

  /// What bash offers for the last word of a line.
  static func offers(_ line: String, function: String = "_ferrule_iptables", file: String = "iptables.bash") throws -> [String] {
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let outcome = try BuiltCommand.shell(
      """
      bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      \(function) "$1" "${COMP_WORDS[COMP_CWORD]}"; printf "%s\\n" "${COMPREPLY[@]}"' \(folder)\(file) \(words.map { "'\($0)'" }.joined(separator: " "))
      """)
    #expect(outcome.status == 0, "\(outcome.text)")
    return outcome.text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func bashCompletesRules() throws {
    #expect(try Self.offers("iptables -t ma") == ["mangle"])
    #expect(try Self.offers("iptables -A INPUT -m hash") == ["hashlimit"])
    #expect(try Self.offers("iptables -A INPUT -m hashlimit --hashlimit-na") == ["--hashlimit-name"])
    #expect(try Self.offers("iptables -A INPUT -p tcp --tcp-f") == ["--tcp-flags"])
    #expect(try Self.offers("iptables -A INPUT -j REJECT --rej") == ["--reject-with"])
    #expect(try Self.offers("iptables -A INPUT --hashlimit-na") == [])
    #expect(try Self.offers("iptables -P INPUT D") == ["DROP"])
    #expect(try Self.offers("iptables -A INPUT -j DR") == ["DROP"])
    #expect(try Self.offers("ip6tables -A INPUT -m eui") == ["eui64"])
    #expect(try Self.offers("iptables -A INPUT -m eui") == [])
  }

  @Test func bashCompletesFerrule() throws {
    #expect(try Self.offers("ferrule deco", function: "_ferrule", file: "ferrule.bash").contains("decompile"))
  }
}
