import Foundation
import Testing

/// Files that hold what no editor writes: NUL, other line ends, lines too long for a buffer, names of odd letters. They load, or are
/// refused in the same words, as with the real iptables-restore.
@Suite(.enabled(if: Rival.absence == nil, "\(Rival.absence ?? "")")) struct OddByteTests {
  /// The text of a file as `printf` has it.
  static let files: [String] = {
    let lines = [
      #"-A INPUT -j DR\0OP"#, #"-A INPUT -j ACCEPT\0"#, #"\0-A INPUT"#, #"-A INPUT \0 -j ACCEPT"#, #":foo\0bar - [0:0]"#, #"#\0"#,
      #"-N foo\0"#,
      #"-A INPUT -m comment --comment "a\0b""#, #"-A INPUT\r-j ACCEPT"#, #"-A INPUT -j ACCEPT\r"#, #"-A INPUT\f-j ACCEPT"#,
      #"-A INPUT -j ACCEPT\v"#,
      #"-A INPUT -i "a b""#, "-A INPUT -i a/b", "-A INPUT -i .", "-A INPUT -i ..", "-A INPUT -i a+b", "-A INPUT -i !eth0", "-A INPUT -i ++",
      "-A INPUT -i 123456789012345", "-A INPUT -i 1234567890123456", "-A INPUT -i 12345678901234+", "-A INPUT -i é", #"-A INPUT -i a\"b"#,
      ":LOG - [0:0]\\n-A INPUT -j LOG", ":MARK - [0:0]\\n-A INPUT -j MARK", ":LOG - [0:0]\\n-A INPUT -j LOG --log-prefix x",
      ":LOG - [0:0]\\nCOMMIT\\n*mangle\\n-A INPUT -j LOG", #"-N """#, "-N LOG", ":-a - [0:0]", ":!a - [0:0]", #":a"b - [0:0]"#,
      ":é - [0:0]",
      "[-1:-1] -A INPUT", "[18446744073709551616:1] -A INPUT", "[ 1 : 2 ] -A INPUT", "[+1:+2] -A INPUT", "[1]:2 -A INPUT",
      "[0x10:010] -A INPUT",
      ":INPUT DROP [-1:+2]", ":INPUT DROP [1:2", ":INPUT DROP [18446744073709551616:2]", #"-I INPUT " 1""#, "-I INPUT +1", "-I INPUT 0x1",
      "-I INPUT 4294967297", "-I INPUT 2147483648", #"-A INPUT -c " 5,7""#, "-A INPUT -c -5 +7",
    ]
    let whole = [
      "", #"\n"#, "*filter", #"*filter\n-A INPUT -j ACCEPT\n"#, #"*filter\n-A INPUT\nCOMMIT"#, #"*filter\r\nCOMMIT\r\n"#,
      #"*fil\0ter\nCOMMIT\n"#, #"*filter\nCOM\0MIT\n"#, #"*filter\nCOMMIT\0\n"#,
    ]
    return whole + lines.map { #"*filter\n"# + $0 + #"\nCOMMIT\n"# }
  }()

  private func compare(_ commands: [String]) throws {
    let real = try Rival.real.run(commands)
    let ours = try Rival.ours.run(commands)
    for (index, command) in commands.enumerated() where real[index] != ours[index] {
      Issue.record("\(command)\nreal: \(real[index])\nours: \(ours[index])")
    }
  }

  @Test func sameWordsAndRules() throws {
    let clean = "iptables -F; iptables -X; iptables -P INPUT ACCEPT"
    try compare(
      Self.files.flatMap { text in
        ["", "-c"].flatMap { option in
          [
            "\(clean); printf \(Rival.quote(text.replacingOccurrences(of: "%", with: "%%"))) | iptables-restore \(option)",
            "iptables-save -c",
          ]
        }
      })
  }

  /// `fgets` reads 10,239 bytes at most.
  @Test func linesLongerThanTheBuffer() throws {
    let ends = ["-A INPUT -m comment --comment x", "-A INPUT -j ACCEPT", "COMMIT", ":y - [0:0]", "#"]
    try compare(
      [10_237, 10_238, 10_239, 10_240, 10_241, 20_478, 20_479].flatMap { length in
        ends.flatMap { text -> [String] in
          // Blanks before and behind, and letters behind which stands a command.
          ["%\(length)s\\n", "%-\(length)s\\n"].flatMap { form in
            ["{ printf '*filter\\n'; printf '\(form)' '\(text)'; printf 'COMMIT\\n'; } | iptables-restore", "iptables-save"]
          }
        } + [
          "{ printf '*filter\\n#'; head -c \(length) /dev/zero | tr '\\0' y; printf ' -A INPUT -j ACCEPT\\nCOMMIT\\n'; } | iptables-restore",
          "iptables-save",
        ]
      })
  }

  /// A program with its owner's rights says nothing and leaves with 111, as `xtables_init` has it.
  @Test func setUserIDIsRefused() throws {
    let calls = [
      "iptables -L", "iptables -V", "iptables -h", "iptables-save", "iptables-restore", "ip6tables -L", "iptables-xml", "nosuch",
    ]
    let answers = try [Rival.real, .ours].map { rival in
      try rival.run(
        ["cp \(rival.folder)/xtables-legacy-multi ./multi && chmod 4755 multi . && ls -d . >/dev/null"]
          + calls.map { "setpriv --reuid 65534 --regid 65534 --clear-groups ./multi \($0) </dev/null" })
    }
    #expect(answers[0].dropFirst().map(\.status) == [111, 111, 111, 111, 111, 111, 0, 1])
    #expect(answers[1].dropFirst().map(\.status) == answers[0].dropFirst().map(\.status))
    #expect(answers[1][1].output.isEmpty && answers[1][1].errors.isEmpty)
  }
}
