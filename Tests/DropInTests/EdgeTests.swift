import Testing

/// Corners of the command line and of restore's lines that random commands do not come to.
@Suite(.enabled(if: Rival.absence == nil, "cannot run iptables-legacy")) struct EdgeTests {
  /// Lines within a filter table; the text is `printf`'s.
  static let lines = [
    // A quote that is never closed takes the newline too.
    #"-A INPUT -m comment --comment "abc\n"#, #"-A INPUT -m comment --comment "abc\\\n"#, #"-A INPUT -m comment --comment "\n"#,
    #"-A INPUT -m comment --comment abc"\n"#, #"-A INPUT -m comment --comment "a"b\n"#, #"-A INPUT -m comment --comment ""\n"#,
    #"-A INPUT -j "ACCEPT\n"#, #"-A INPUT -p "tcp\n"#, #"-A "INPUT\n"#, #"-A INPUT -s "10.0.0.1\n"#, #"-N "foo\n"#,
    // A line for the other family: its rules are left out, its other commands are not.
    #"-N foo -4\n"#, #"-N foo -6\n"#, #"-6 -N foo\n"#, #"-P INPUT DROP -6\n"#, #"-P -6 INPUT\n"#, #"-F -6\n"#, #"-E INPUT foo -6\n"#,
    #"-E foo -6\n"#, #"-X -6\n"#, #"-Z INPUT -6\n"#, #"-A INPUT -6 -j FOO\n"#, #"-A INPUT -j ACCEPT -6\n"#, #"-D INPUT 1 -6\n"#,
    #"-D INPUT -6\n"#, #"-L INPUT -6\n"#, #"-S -6\n"#, #"-6\n"#, #"-A INPUT -4 -j ACCEPT\n"#,
    // A letter that getopt knows and nobody else.
    #"-A INPUT -j ACCEPT -b\n"#, #"-b -A INPUT\n"#, #"-A INPUT -nb\n"#, #"-A INPUT -p tcp -b --dport 1\n"#,
    #" \n"#, #"\t-A INPUT -j ACCEPT\n"#, #"! -A INPUT -j ACCEPT\n"#, #"-A INPUT ! -j ACCEPT\n"#, #"-A INPUT "" -j ACCEPT\n"#,
  ]

  func compare(_ commands: [String]) throws {
    let real = try Rival.real.run(commands)
    let ours = try Rival.ours.run(commands)
    for (index, command) in commands.enumerated() where real[index] != ours[index] {
      Issue.record("\(command)\nreal: \(real[index])\nours: \(ours[index])")
    }
  }

  @Test func oddLinesOfRestoreAreAnsweredAsByIptables() throws {
    let clean = "iptables -F; iptables -X; iptables -P INPUT ACCEPT; iptables -A INPUT -p tcp"
    try compare(
      Self.lines.flatMap { line -> [String] in
        ["\(clean); printf '*filter\\n\(line)COMMIT\\n' | iptables-restore -n", "iptables-save"]
      })
    // The last line may lack its newline.
    try compare(
      Self.lines.flatMap { line -> [String] in
        ["\(clean); printf '*filter\\n\(line.dropLast(2))' | iptables-restore -n", "iptables-save"]
      })
  }

  /// An option's name that two matches know, and a match that is named again.
  @Test func optionsOfMatchesNamedTwiceGoWhereIptablesPutsThem() throws {
    let matches = [
      "-m mark --mark 1 -m connmark --mark 2 -m mark --mark 3", "-m mark --mark 1 -m mark --mark 3",
      "-m mark --mark 1 -m connmark --mark 2",
      "-m connmark --mark 1 -m mark --mark 2 -m connmark --mark 3", "-m mark --mark 1 -m connmark --mark 2 -m mark ! --mark 3",
      "-p tcp -m tcp --dport 1 -m multiport --dports 1 -m tcp --dport 2",
      "-m mark -m connmark -m mark --mark 3", "-m mark -m connmark -m mark --mark 3 --mark 4",
      "-m mark --mark 1 -m mark", "-m mark -m mark --mark 1", "-p tcp -m tcp -m tcp --dport 1 --sport 2",
    ]
    try compare(matches.flatMap { ["iptables -A INPUT \($0)", "iptables-save"] })
  }

  /// `--test` of a whole file says what reading line by line would.
  @Test func restoreTestOfAFileAnswersAsIptables() throws {
    let rules = [
      ":a - [0:0]\\n-A INPUT -j a\\n", ":a - [0:0]\\n:a - [0:0]\\n", "-A INPUT -j nowhere\\n", "-A a\\n", ":INPUT DROP [1:2]\\n-A INPUT\\n",
      ":INPUT DROP [x:2]\\n", ":a ACCEPT\\n", ":a\\n", "-P INPUT DROP\\n", "-P a DROP\\n", "-N a\\n-N a\\n", "-N a\\n-A a -j a\\n",
      "-A INPUT -p esp -j ACCEPT\\n", "-A INPUT -j MASQUERADE\\n", "-A INPUT -j INPUT\\n",
      "-D INPUT 1\\n", "-A INPUT -V\\n", "-A INPUT -6\\n", "[1:2] -A INPUT -c 3 4\\n", "-A INPUT -m comment --comment \"x\\n",
      "-A INPUT\\nCOMMIT\\n*nat\\n-A PREROUTING -p tcp -j DNAT --to 10.0.0.1\\n", "COMMIT\\n*nosuch\\n", "COMMIT\\n*filter\\n-A INPUT\\n",
      "COMMIT\\n-A INPUT\\n", "-A FORWARD -i eth0 -o eth1 -s 10.0.0.1,10.0.0.2\\n", "\\n#x\\n \\n",
    ]
    let options = ["", "-c", "-v", "-n", "-T filter", "-T nat"]
    try compare(
      rules.flatMap { text in
        ["printf '*filter\\n\(text)COMMIT\\n' >rules"]
          + ["iptables", "ip6tables"].flatMap { program in options.map { "\(program)-restore --test \($0) rules" } }
      } + ["iptables-save; ip6tables-save"])
  }

  @Test func optionsOfTheProgramsAreAnsweredAsByIptables() throws {
    try compare([
      "iptables -b", "iptables -b -A INPUT", "iptables -A INPUT -b", "iptables --binary", "iptables -L -b", "iptables -bn -L",
      "iptables -L -nb",
      "iptables-save -b", "iptables-save --binary", "iptables-restore -b </dev/null", "iptables-restore --binary </dev/null",
      "iptables -A INPUT -4", "iptables -A INPUT -6", "iptables -N foo -4", "iptables -P INPUT ACCEPT -4", "iptables -P INPUT ACCEPT -6",
      "ip6tables -N foo -4", "ip6tables -N foo -6", "iptables -A INPUT -m \(String(repeating: "x", count: 28))",
      "iptables -A INPUT -m \(String(repeating: "x", count: 29))", "iptables -A INPUT --", "iptables -A INPUT -- -j DROP", "iptables-save",
    ])
  }
}
