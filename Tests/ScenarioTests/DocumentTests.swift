import Diagnostics
import Documents
import Evaluator
import Extensions
import Scenarios
import Suites
import TestSupport
import Testing
import Wire
import XTables

/// The one reader of YAML and JSON files, with texts that are made to hurt it. Each must be an error with its place, at once.
@Suite("Documents of strangers") struct DocumentTests {
  /// What reading gave, as `line:column: message`, from a host and from a scenario file.
  private static func problems(_ text: String) -> [String] {
    let file = SourceFile(name: "test.yaml", bytes: Array(text.utf8))
    func told(_ range: SourceRange, _ message: String) -> String {
      let place = file.position(of: Int(range.lowerBound))
      return "\(place.line):\(place.column): \(message)"
    }
    var found: [String] = []
    do throws(ScenarioFileError) { _ = try Host(yaml: file) } catch { found.append(told(error.range, error.message)) }
    found += Suites.read(text).diagnostics.map { told($0.range, $0.message) }
    return found
  }

  /// Ten levels, each of ten aliases of the one below.
  private static let bomb =
    "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + zip("abcdefghi", "bcdefghij").map { inner, outer in
      "\(outer): &\(outer) [" + [String](repeating: "*\(inner)", count: 10).joined(separator: ",") + "]\n"
    }.joined()

  @Test(
    arguments: [
      bomb + "interfaces: *j\n", bomb + "tests: *j\n", bomb + "? *j\n: 1\n", bomb + "? [*j]\n: 1\n? [*i]\n: 2\n", bomb + "host: {*j : 1}\n",
      "interfaces: {eth0: {addresses: " + String(repeating: "[", count: 900) + "}}", String(repeating: "[", count: 100_000),
      String(repeating: "{a: ", count: 100_000), String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
      "a0: &a0 x\n" + (1...4000).map { "a\($0): &a\($0) [*a\($0 - 1)]\n" }.joined(),
      "tests: &t [*t]\n", "tests: *nowhere\ninterfaces: *nowhere\n", "interfaces: &* x\n",
    ]) func bombsAreRefused(_ text: String)
  {
    var problems: [String] = []
    let used = ThreadTime.seconds { problems = Self.problems(text) }
    #expect(problems.count == 2, "\(problems)")
    #expect(problems.allSatisfy { $0.utf8.count < 600 })
    #expect(used < 5)
  }

  @Test(arguments: [
    ("[]: 5", "1:1: expected a name before the colon, found a list"), ("{}: 1", "1:1: expected a name before the colon, found a mapping"),
    ("? [a]\n: 1", "1:3: expected a name before the colon, found a list"), ("~: 1", "1:1: expected a name before the colon, found nothing"),
    ("? \n: 1", "1:2: expected a name before the colon, found nothing"),
  ]) func keysAreNames(_ text: String, _ message: String) {
    #expect(Self.problems(text) == [message, message])
  }

  @Test(arguments: [
    ("interfaces: {[]: 5}", "1:14: expected a name before the colon, found a list"),
    ("interfaces: {eth0: 5}", "1:20: expected a mapping, found `5'"),
    ("interfaces: {eth0: {up: maybe}}", "1:25: expected true or false, found `maybe'"),
    ("interfaces: {eth0: {mtu: big}}", "1:26: expected a number from -2147483648 to 2147483647, found `big'"),
    ("interfaces: {eth0: {mtu: 0}}", "1:26: the MTU must be at least 68 bytes"),
    ("interfaces: {eth0: {mac: 1}}", "1:26: `1' is not a MAC address"),
    ("interfaces: {eth0: [[]]}", "1:21: expected a text, found a list"),
    ("interfaces: {eth0: [10.0.0.1/]}", "1:21: `10.0.0.1/' is not an address"),
    ("interfaces: {eth0: [/24]}", "1:21: `/24' is not an address"),
    ("interfaces: {eth0: [10.0.0.1/+8]}", "1:21: `10.0.0.1/+8' is not an address"),
    ("interfaces: {eth0: [10.0.0.1/33]}", "1:21: `10.0.0.1/33' is not an address"),
    ("interfaces: {eth0: {adresses: []}}", "1:21: an interface has no member `adresses'"),
    ("interfaces: {'': []}", "1:14: `' is not a valid interface name"),
    ("routes: [/]", "1:10: routes: / is not a destination"), ("routes: [10.0.0.1/]", "1:10: routes: 10.0.0.1/ is not a destination"),
    ("routes: [/24 dev lo]", "1:10: routes: /24 is not a destination"), ("routes: ['']", "1:10: routes: a route needs a destination"),
    ("routes: [1, [2]]", "1:13: expected a text, found a list"), ("rules: [from /]", "1:9: rules: / is not a prefix"),
    ("rules: [from 10.0.0.1/]", "1:9: rules: 10.0.0.1/ is not a prefix"), ("rules: 5", "1:8: rules: rule: `5' is not supported"),
    ("setup: [addr add / dev lo]", "1:9: setup: / is not an address"),
    ("neighbours: {lo: {/: none}}", "1:19: neighbours: `/' is not an address"),
    ("neighbours: {lo: [1]}", "1:18: expected a mapping, found a list"),
    ("neighbours: {eth9: {10.0.0.1: none}}", "1:14: there is no interface eth9"),
    ("sysctls: {net.ipv4.ip_forward: []}", "1:32: expected a text, found a list"),
    ("sysctls: {net.ipv4.ip_forward: on}", "1:32: `on' is not a value of net.ipv4.ip_forward"),
    ("sysctls: []", "1:10: expected a mapping, found a list"),
    ("sockets: [{port: -1}]", "1:18: expected a number from 0 to 65535, found `-1'"),
    ("sockets: [{}]", "1:11: sockets: a socket needs a port"),
    ("sockets: [{port: 1, uid: 4294967296}]", "1:26: expected a number from 0 to 4294967295, found `4294967296'"),
    ("sockets: [{port: 1, address: 10.0.0.1/8}]", "1:30: sockets: `10.0.0.1/8' is not an address"),
  ]) func membersOfAHostHaveTheirKind(_ text: String, _ message: String) {
    #expect(Self.problems(text).first == message)
  }

  private static func listing(_ addresses: String, _ routes: String) -> String? {
    let (first, second) = (SourceFile(name: "addr", bytes: Array(addresses.utf8)), SourceFile(name: "route", bytes: Array(routes.utf8)))
    do throws(ScenarioFileError) {
      try Host(addressListing: first).addRoutes(ofListing: second)
      return nil
    } catch {
      return error.message
    }
  }

  /// What `ip -j` prints: a member that is needed and of another kind does not vanish.
  @Test(
    arguments: [
      (#"[{"ifname": 5, "mtu": "x"}]"#, "[]", "expected a number from -2147483648 to 2147483647, found a text"),
      (#"[{"ifname": []}]"#, "[]", "expected a text, found a list"),
      (#"[{"mtu": 1, "x": "ifname"}]"#, "[]", "ip -j addr: an interface has no `ifname'"),
      (#"[{"ifname": "e", "flags": [[]]}]"#, "[]", "expected a text, found a list"),
      (#"[{"ifname": "e", "address": "x"}]"#, "[]", "`x' is not a MAC address"),
      (#"[{"ifname": "e", "addr_info": 5}]"#, "[]", "expected a list, found `5'"),
      (#"[{"ifname": "e", "addr_info": [{"local": "10.0.0.1"}]}]"#, "[]", "addr_info: an address needs `local' and `prefixlen'"),
      (#"[{"ifname": "e", "addr_info": [{"local": "/", "prefixlen": 8}]}]"#, "[]", "`/' is not an address"),
      (
        #"[{"ifname": "e", "addr_info": [{"local": "10.0.0.1", "prefixlen": 33}]}]"#, "[]",
        "prefixlen: 33 is not a prefix length for 10.0.0.1"
      ),
      (#"[{"ifname": "e", "addr_info": [{"local": "10.0.0.1", "prefixlen": 8, "scope": "x"}]}]"#, "[]", "scope: `x' is not a scope"),
      (#"{"ifname": 5}"#, "[]", "expected a list, found a mapping"), ("hello", "[]", "this is not the output of `ip -j addr'"),
      ("[]", #"[{"dst": "default", "dev": "none"}]"#, "ip -j route: there is no interface none"),
      ("[]", #"[{"dst": 5, "dev": []}]"#, "expected a text, found a list"),
      ("[]", #"[{"gateway": "x", "dst": null}]"#, "ip -j route: a route has no `dst'"),
      ("[]", #"[{"dst": "/", "dev": "lo"}]"#, "ip -j route: / is not a destination"),
      ("[]", #"[{"dst": "default", "metric": -1}]"#, "expected a number from 0 to 4294967295, found `-1'"),
      ("[]", #"["dst"]"#, "expected a mapping, found a text"),
      (#"[{}, {"ifname": "sit0", "link_type": "sit", "address": "0.0.0.0", "addr_info": [{}]}]"#, "[{}]", nil),
    ] as [(String, String, String?)]) func listingsHaveTheirKind(_ addresses: String, _ routes: String, _ message: String?)
  {
    #expect(Self.listing(addresses, routes) == message)
  }

  @Test func aMultipathRouteIsRead() throws {
    let host = try Host(
      ipAddresses: #"[{"ifname":"e0","flags":["UP"],"addr_info":[{"local":"10.0.0.1","prefixlen":24}]}]"#,
      ipRoutes: [#"[{"dst":"default","nexthops":[{"gateway":"10.0.0.2","dev":"e0","weight":1},{"gateway":"10.0.0.3","dev":"e0"}]}]"#])
    #expect(host.routes.first?.hops.map(\.gateway?.description) == ["10.0.0.2", "10.0.0.3"])
  }

  /// Aliases stand for their anchors' values; a `*` that is no alias stays one.
  @Test func aliasesAreResolved() throws {
    let json = ScenarioFile.json(
      Array(
        """
        a: &one [1, "*two"]
        b: *one
        c: {"k": *one, *one : 2}
        """.utf8))
    #expect(json == nil)
    let fine = ScenarioFile.json(Array("a: &one [1, '*two', x *y]\nb: *one\nc: |\n  *filter &x\nd: &k name\n*k : *k\n".utf8))
    #expect(
      fine?.description == ##"{"a": [1, "*two", "x *y"], "b": [1, "*two", "x *y"], "c": "*filter &x\n", "d": "name", "name": "name"}"##)
  }

  /// The last second that both the nanoseconds of the engine and the clock of a scenario can count.
  @Test(arguments: ["9999-12-31T23:59:60Z", "2286-11-20T17:46:40Z", "1e10", "-1", "nan"]) func theClockEnds(_ clock: String) {
    #expect(Suites.read("clock: \(clock)\ntests: [{name: a, steps: [{wait: 1}]}]").diagnostics.count == 1)
    #expect(Suites.run("clock: 2286-11-20T17:46:39Z\ntests: [{name: a, steps: [{wait: 9999999999}, {wait: 9999999999}]}]").isPassed)
  }

  /// Few lines cannot stand for any number of elements.
  @Test func setsHaveABound() {
    let text = "create a hash:ip maxelem 4294967295\n" + (1..<200).map { "add a \($0).0.0.0/14\n" }.joined()
    let error = #expect(throws: AddressSetError.self) { try AddressSets(saved: text) }
    #expect(error?.line == 6)
  }

  /// A packet whose text does not stand in the file byte by byte has the place of the whole text.
  @Test(arguments: [#"\L\L\L\L\L\L\L\L bad"#, #"\P\P\P\P\P\P ["#, #"\x41 => bad"#]) func aPlaceInATextWithEscapesIsInTheFile(_ end: String)
  {
    let text = #"tests: [{name: a, steps: ["eth0 icmp 10.0.0.9 > 10.0.0.1 "# + end + #""]}]"#
    let found = Suites.read(text).diagnostics
    #expect(!found.isEmpty && found.allSatisfy { $0.range.upperBound <= text.utf8.count })
  }

  // MARK: Files that are named

  private static func read(_ files: [String: String], from name: String = "a.yaml") -> [String] {
    let loader = ScenarioFileLoader(
      bytes: { path throws(ScenarioFileLoader.Failure) in
        guard let text = files[path] else { throw ScenarioFileLoader.Failure("there is no \(path)") }
        return Array(text.utf8)
      },
      capture: { _ throws(ScenarioFileLoader.Failure) in [] })
    let file = SourceFile(name: name, bytes: Array((files[name] ?? "").utf8))
    return ScenarioFile.read(file, registry: .ferrule, loader: loader).diagnostics.map(\.message)
  }

  @Test func aSnapshotCannotNameItself() {
    #expect(
      Self.read(["a.yaml": "snapshot: b.yaml\ntests: []", "b.yaml": "snapshot: b.yaml"]) == [
        "b.yaml:1:11: the snapshot names itself: b.yaml names b.yaml"
      ])
    #expect(
      Self.read(["a.yaml": "snapshot: b.yaml\ntests: []", "b.yaml": "snapshot: c.yaml", "c.yaml": "mode: sink\nsnapshot: a.yaml"])
        == ["b.yaml:1:11: c.yaml:2:11: the snapshot names itself: a.yaml names b.yaml names c.yaml names a.yaml"])
    var chain = ["a.yaml": "snapshot: 0.yaml\ntests: []"]
    for number in 0..<100 { chain["\(number).yaml"] = "snapshot: \(number + 1).yaml" }
    #expect(Self.read(chain).first?.hasSuffix("snapshots are nested more than 8 levels deep") == true)
    #expect(Self.read(["a.yaml": "snapshot: b.yaml\ntests: []", "b.yaml": "snapshot: c.yaml", "c.yaml": "mode: sink"]) == [])
  }

  /// A file of another kind is not quoted, whatever member names it.
  @Test(arguments: ["rules", "rules6", "ipsets", "fingerprints", "conntrack", "snapshot"])
  func aFileOfAnotherKindIsNotQuoted(_ member: String) {
    for content in [
      "root:$6$secret:19000:0:99999:7:::\n", "secret\n", "[secret]\n", "secret: 1\n", "\u{1}secret", "a: [secret", "ssh-rsa secret\n",
    ] {
      let problems = Self.read(["a.yaml": "\(member): other\ntests: []", "other": content])
      #expect(problems.count == 1)
      #expect(!problems.joined().contains("secret"), "\(problems)")
    }
  }

  /// The same of a file that is no scenario file and no host at all.
  @Test(arguments: ["root:$6$secret:19000:0:99999:7:::\n", "secret\n", "- secret\n", "secret: 1\n", "\u{1}secret", "a: [secret"])
  func aFileOfAnotherKindIsNotShown(_ content: String) {
    let reading = Suites.read(content)
    #expect(!reading.file.showsText)
    let text = reading.diagnostics.map { TextRenderer(coloured: false).render($0, in: reading.file) }.joined()
    #expect(text.hasPrefix("test.yaml:1:") && !text.contains("secret"), "\(text)")
    let host = SourceFile(name: "h", bytes: Array(content.utf8))
    do throws(ScenarioFileError) {
      _ = try Host(yaml: host)
      Issue.record("read")
    } catch {
      #expect(!TextRenderer(coloured: false).render(error.diagnostic, in: error.shown(host)).contains("secret"))
    }
  }
}
