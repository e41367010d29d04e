import Foundation
import TestSupport
import Testing

/// The commands over rules of extensions that libxtables knows and Ferrule does not.
@Suite struct ForeignCommandTests {
  /// A ruleset with a foreign match, its second option taking a word more than it declares, and a foreign target.
  static let rules = """
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -m moonphase ! --phase full --mood "very bad" -j DROP
    -A INPUT -p tcp -m moonphase --between crescent full -m tcp --dport 22 -j HOSTILE --print fine
    COMMIT

    """

  static func run(_ line: String, _ ruleset: String = rules, in folder: String? = nil) throws -> BuiltCommand.Outcome {
    let directory = FileManager.default.temporaryDirectory.appending(path: "ferrule-foreign-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data(ruleset.utf8).write(to: directory.appending(path: "a.rules"))
    let libraries = try folder ?? ForeignLibraries.folder.get()
    return try BuiltCommand.shell("export XTABLES_LIBDIR='\(libraries)'\n" + line, in: directory)
  }

  @Test func foreignRulesAreFormattedAndDrawn() throws {
    #expect(try Self.run("ferrule fmt a.rules").text == Self.rules)
    let abbreviated = Self.rules.replacingOccurrences(of: "--between crescent", with: "--betw crescent")
    #expect(try Self.run("ferrule fmt a.rules", abbreviated).text == Self.rules)
    #expect(
      try Self.run("ferrule show a.rules").text.contains("2 -p tcp -m moonphase --between crescent full -m tcp --dport 22 -j HOSTILE"))
  }

  @Test func foreignRulesAreCompiledAndReadBack() throws {
    let outcome = try Self.run("ferrule compile -o a.blob a.rules && ferrule decompile a.blob")
    #expect(outcome.text == Self.rules)
    // Where nobody can read them their bytes are kept, and give the same table again.
    let blind = try Self.run(
      """
      ferrule compile -o a.blob a.rules
      XTABLES_LIBDIR=/nonexistent ferrule decompile a.blob >b.rules
      cat b.rules
      XTABLES_LIBDIR=/nonexistent ferrule compile -o b.blob b.rules && cmp a.blob b.blob && echo same
      ferrule fmt b.rules | cmp - a.rules && echo readable again
      """)
    #expect(
      blind.text.contains("filter INPUT rule 1: no extension can read the match `moonphase' revision 3; its bytes are printed instead"))
    #expect(blind.text.contains("-A INPUT -m moonphase --ferrule-bytes 3:08000000010000007665727920626164"))
    #expect(blind.text.contains("-j HOSTILE --ferrule-bytes 0:66696e65"))
    #expect(blind.text.hasSuffix("same\nreadable again\n"))
  }

  @Test func lintNotesForeignRules() throws {
    let outcome = try Self.run("ferrule lint a.rules")
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("a.rules:5:1: note: `-m moonphase' is a foreign extension"))
    #expect(outcome.text.contains("note: `-j HOSTILE' is a foreign extension"))
    #expect(outcome.text.hasSuffix(" notes\n"))
  }

  private static let scenario = """
    rules: a.rules
    tests:
      - name: t
        steps:
          - eth0 udp 10.0.0.9:1000 > 10.0.0.1:53 => unknown

    """

  /// In tests they are as unknown as in a dry run, and a kernel is not asked about what is unknown.
  @Test func scenariosKnowThatTheyDoNotKnow() throws {
    let line = "printf '%s' '\(Self.scenario)' >s.yaml; ferrule "
    let tested = try Self.run(line + "test s.yaml")
    #expect(tested.status == 0 && tested.text.contains("1 passed, 1 packet"), "\(tested.text)")
    let covered = try Self.run(line + "coverage s.yaml")
    #expect(covered.text.contains("-m moonphase ! --phase full --mood \"very bad\" -j DROP"), "\(covered.text)")
    let verified = try Self.run(line + "verify s.yaml")
    #expect(verified.status != 0 && verified.text.contains("Ferrule's verdict is unknown: -m moonphase"), "\(verified.text)")
    let lab = try Self.run(
      #"""
      awk 'BEGIN { printf "{\"rules\": \"" } { gsub(/"/, "\\\""); printf "%s\\n", $0 } END {
        print "\", \"steps\": [{\"in\": \"eth0\", \"src\": \"10.0.0.9\", \"dst\": \"10.0.0.1\"}]}" }' a.rules | ferrule lab
      """#)
    #expect(lab.text.contains(#""verdict": "unknown""#) && lab.text.contains("-m moonphase cannot be decided"), "\(lab.text)")
  }

  @Test func aMistakeStandsAtItsOption() throws {
    let mistaken = Self.rules.replacingOccurrences(of: "--phase full", with: "--phase gibbous")
    let outcome = try Self.run("ferrule lint a.rules", mistaken)
    #expect(outcome.status == 2)
    #expect(outcome.text.contains("a.rules:5:25: error: moonphase: there is no phase `gibbous' [foreign-refusal]"))
    let lacking = try Self.run("ferrule lint a.rules", "*filter\n-A INPUT -m moonphase --mood dark\nCOMMIT\n")
    #expect(lacking.text.contains("error: moonphase: needs a phase"))
    let unknown = try Self.run("ferrule lint a.rules", "*filter\n-A INPUT -m moonphase --phaze full\nCOMMIT\n")
    #expect(unknown.text.contains("did you mean --phase?"))
  }

  @Test func aDryRunDoesNotGuess() throws {
    let rules = Self.rules.replacingOccurrences(of: " ! --phase full --mood \"very bad\"", with: " --phase full")
    let outcome = try Self.run(
      """
      printf 'interfaces: {eth0: {addresses: [10.0.1.9/24]}}\\n' >host.yaml
      ferrule run --host host.yaml --brief a.rules 'eth0 udp 10.0.1.1:1000 > 10.0.1.9:80'
      """, rules)
    #expect(outcome.text.contains("unknown"))
    #expect(outcome.text.contains("-m moonphase cannot be decided without its meaning, which only the kernel module knows"))
  }

  @Test func whatPrintsBesideItsTextIsPassedOn() throws {
    let outcome = try Self.run("ferrule fmt a.rules", "*filter\n-A INPUT -m moonphase --waxing\nCOMMIT\n")
    #expect(outcome.text.contains("moonphase: --waxing is a guess\n"))
    #expect(outcome.text.contains("-A INPUT -m moonphase --between crescent half\n"))
  }

  /// Each way to misbehave while options are read, and what is told of it.
  @Test(arguments: [
    ("exit", "I have had enough"), ("quietly", "ended with status 7"), ("abort", "ended by signal 6"), ("crash", "ended by signal 11"),
    ("close", "its libxtables extension"), ("garbage", "answered with 2147483647 bytes"), ("flood", "ended by signal 25"),
    ("error", "hostile: I will not"),
  ]) func aHostileParserIsAMistakeInTheFile(_ how: String, _ told: String) throws {
    let outcome = try Self.run("ferrule lint a.rules", "*filter\n-A INPUT -j HOSTILE --parse \(how)\n-A INPUT -j NOWHERE\nCOMMIT\n")
    #expect(outcome.status == 2)
    #expect(outcome.text.contains(":2:21: error: "))
    #expect(outcome.text.contains(told))
    // The lines after it are read all the same.
    #expect(outcome.text.contains(":3:13: error: "))
  }

  /// The same while it prints: the rule is kept as bytes.
  @Test(arguments: ["exit", "quietly", "abort", "crash", "close", "garbage", "lines", "flood", "error"])
  func aHostilePrinterLosesNoRule(_ how: String) throws {
    let outcome = try Self.run("ferrule fmt a.rules", "*filter\n-A INPUT -j HOSTILE --print \(how)\n-A INPUT -j DROP\nCOMMIT\n")
    #expect(outcome.status == 0)
    let bytes = how.utf8.map { String($0, radix: 16) }.joined()
    #expect(outcome.text.contains("-A INPUT -j HOSTILE --ferrule-bytes 0:\(bytes)0"))
    #expect(outcome.text.contains("-A INPUT -j DROP\n"))
    #expect(outcome.text.contains("ferrule: -j HOSTILE: "))
  }

  /// Where the program is not there, that is said.
  @Test func aMissingProgramIsNamed() throws {
    let outcome = try Self.run(
      """
      cp "$(command -v ferrule)" alone
      ./alone lint a.rules
      """)
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("libxtables cannot be used: the program "))
    #expect(outcome.text.contains("/ferrule-xtables is missing"))
  }

  @Test func anAddressOfAnotherProcessIsNoStructure() throws {
    let rules = "*filter\n-A INPUT -j HOSTILE --parse pointer\nCOMMIT\n"
    // Each reading gives another address; the formatted file is the same ruleset all the same.
    for _ in 0..<20 { #expect(try Self.run("ferrule fmt a.rules", rules).status == 0) }
    let outcome = try Self.run("ferrule apply --test a.rules", rules)
    #expect(outcome.status == 2)
    #expect(outcome.text.contains("contains an address in the memory of the program that read its options [foreign-address]"))
  }

  @Test func explainHasAPageForAForeignExtension() throws {
    #expect(try Self.run("ferrule explain -m moonphase").text.contains("moonphase, revision 3 (32 bytes)"))
  }
}
