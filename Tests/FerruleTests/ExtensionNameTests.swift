import Extensions
import Foundation
import Testing
import XTables

/// No floor but `Extensions` knows a match or target by name: what a floor needs of one is on its descriptor.
@Suite struct ExtensionNameTests {
  static let floors = [
    "Syntax", "Compiler", "XTables", "Evaluator", "Linter", "Documents", "Notation", "Scenarios", "Lab", "Suites", "Snapshots", "Kernel",
    "KernelLab", "Fuzzing", "DropIn", "Grammar",
  ]

  /// The files that may name an extension, each with the reason.
  static let allowed: [String: String] = [
    "Sources/Syntax/CommandParser.swift": "a hint that names the match for remarks",
    "Sources/Syntax/GlobalOptions.swift": "a message of iptables",
    "Sources/Syntax/LikelyCause.swift": "a hint that names the match for several ports",
    "Sources/Linter/Explanations/DiagnosticCatalogue.swift": "pages of `ferrule explain`",
    "Sources/Kernel/Tables/KernelObjects.swift": "says which rule creates the object that is missing",
    "Sources/Kernel/NfTables/NftExpressionParser.swift": "expressions of nf_tables, some of which have the names of matches",
    "Sources/XTables/Native/NativeSelector.swift": "fields of nft(8), some of which have the names of matches",
    "Sources/Grammar/SentenceGenerator.swift": "draws lines about -p and the matches that it loads",
    "Sources/Fuzzing/FuzzVocabulary.swift": "values of options, such as the states SNAT and DNAT",
    "Sources/Scenarios/Host/HostShapes.swift": "the schema's text says which match reads a key",
    "Sources/Scenarios/ScenarioChance.swift": "reads the text of rules without a registry",
    "Sources/Suites/ScenarioFile/ScenarioFilePrelude.swift": "writes rules of its own, which create the connections of a prelude",
    "Sources/Suites/ScenarioFile/ScenarioFileShape.swift": "the schema's text says which match reads a key",
    "Sources/Suites/Verification/SideBySide.swift": "headings of reports",
  ]
  /// Their examples are rulesets, and their rationale is a page of `ferrule explain`.
  static let allowedFolder = "Sources/Linter/Checks/"

  /// Names that are words of another vocabulary too. For these only a comparison with a name and a use after `-m` or `-j` are found.
  static let words: Set<String> = [
    // Protocols of /etc/protocols.
    "tcp", "udp", "icmp", "icmp6", "icmpv6", "ipv6-icmp", "sctp", "dccp", "esp", "ah", "mh",
    // Fields of packets, and keys and commands of scenario files.
    "mark", "mac", "tos", "ttl", "hl", "dscp", "frag", "length", "limit", "owner", "conntrack", "state", "helper", "socket", "string",
    "time", "cgroup", "rt",
    // Words of ip(8) and of ipset(8), and options of iptables itself.
    "dst", "realm", "set", "policy", "comment",
  ]

  /// The string literals of a line of code, without those in comments.
  static func literals(_ line: Substring) -> [String] {
    guard line.firstMatch(of: /^\s*\/\//) == nil else { return [] }
    return line.matches(of: /"((?:[^"\\]|\\.)*)"/).map { String($0.1) }
  }

  /// The extensions that a line of code names.
  static func named(in line: Substring, of names: Set<String>) -> [String] {
    var found: [String] = []
    for literal in literals(line) {
      if names.contains(literal), !words.contains(literal) { found.append(literal) }
      found += literal.matches(of: /-[mj] ([\w-]+)/).map { String($0.1) }.filter(names.contains)
    }
    let compared = line.matches(of: /(?i)name\)?\s*[!=]=\s*"([\w-]+)"/).map { String($0.1) }
    let sought = line.matches(of: /named: "([\w-]+)"/).map { String($0.1) }
    return found + (compared + sought).filter(names.contains)
  }

  static let names = Set(Registry.ferrule.all.flatMap { [$0.name, $0.kernelName] + $0.aliases })

  @Test func noFloorNamesAnExtension() throws {
    #expect(Self.names.count > 90)
    var seen: Set<String> = []
    for file in try Self.floors.flatMap({ try ArchitectureTests.sources("Sources/\($0)") }) where !file.hasPrefix(Self.allowedFolder) {
      for (number, line) in try ArchitectureTests.text(file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let named = Self.named(in: line, of: Self.names)
        guard !named.isEmpty else { continue }
        seen.insert(file)
        #expect(Self.allowed[file] != nil, "\(file):\(number + 1) names \(named): declare on the extension what is needed of it")
      }
    }
    #expect(Set(Self.allowed.keys).subtracting(seen) == [], "these files name no extension any more")
  }

  /// The search finds the forms in which extensions were named.
  @Test(arguments: [
    #"rule.matches.filter { $0.descriptor.name != "comment" }"#, #"line.contains("-j SYNPROXY")"#, #"["set", "SET"]"#,
    #"text.contains("NFQUEUE-x") || words.firstIndex(of: "NFQUEUE")"#, #"$0.contains("-m time")"#, #"registry.match(named: "tcp", .ipv4)"#,
  ]) func formsOfNamingAreFound(_ line: String) {
    #expect(!Self.named(in: line[...], of: Self.names).isEmpty)
  }

  @Test(arguments: [#"// -m comment"#, #"case "tcp": .tcp"#, #""conntrack": .text"#, #"names(with: .remark)"#]) func otherWordsAreNotFound(
    _ line: String
  ) {
    #expect(Self.named(in: line[...], of: Self.names).isEmpty)
  }

  /// What the floors ask of descriptors is declared, so that a search that finds nothing is not the answer to a lost declaration.
  @Test func theDescriptorsSayWhatTheFloorsAsk() {
    let registry = Registry.ferrule
    #expect(registry.names(with: .remark) == ["comment"])
    #expect(registry.names(with: .initialUsersOnly) == ["owner"])
    #expect(registry.names(with: .machineWide) == ["osf", "rateest"])
    #expect(registry.names(with: .comparesBytes) == ["u32", "bpf", "string"])
    #expect(registry.names(with: .usesAddressSets) == ["set", "SET"])
    #expect(registry.names(with: .readsClock) == ["time"])
    #expect(registry.optionNames(of: .set) == ["--match-set", "--add-set", "--del-set", "--map-set"])
    #expect(
      registry.optionNames(of: .list) == ["--name", "--hashlimit-name", "--rateest-name", "--rateest", "--rateest1", "--rateest2"])
    #expect(registry.optionNames(of: .logPrefix) == ["--log-prefix", "--nflog-prefix"])
    #expect(registry.optionNames(of: .user) == ["--uid-owner"] && registry.optionNames(of: .group) == ["--gid-owner"])
    let ranges = registry.all.flatMap(\.options).filter { $0.greatest != nil }.flatMap { [$0.name] + $0.aliases }
    #expect(
      Set(ranges) == [
        "--length", "--mh-type", "--sport", "--dport", "--source-port", "--destination-port", "--ctorigsrcport", "--ctorigdstport",
        "--ctreplsrcport", "--ctrepldstport", "--ahspi", "--espspi", "--fragid", "--rt-segsleft", "--ipcompspi", "--ctexpire",
      ])
  }
}
