import Diagnostics
import Documents
import Explorer
import Extensions
import Foundation
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// The page of `explore` and what `serve` answers. `Tests/Integration/browser.py` opens both in a browser.
@Suite struct ExplorerTests {
  static var site: ExplorerSite {
    ExplorerSite(token: "0123456789abcdef", port: 8080, page: "<!DOCTYPE html>") { ["given": .string(String(decoding: $0, as: UTF8.self))] }
  }

  static func answer(_ request: String) -> String? { site.answer(to: Array(request.utf8)).map { String(decoding: $0, as: UTF8.self) } }

  static func status(_ head: String, _ body: String = "") -> String {
    answer("\(head)\r\n\r\n\(body)")?.split(separator: " ").dropFirst().first.map(String.init) ?? "more"
  }

  @Test(arguments: [
    ("GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8080", "200"), ("GET /0123456789abcdef/ HTTP/1.1\r\nhost: localhost:8080", "200"),
    ("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080", "404"), ("GET /0123456789abcdee/ HTTP/1.1\r\nHost: 127.0.0.1:8080", "404"),
    ("GET /0123456789abcdef HTTP/1.1\r\nHost: 127.0.0.1:8080", "404"), ("GET //0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8080", "404"),
    ("GET /0123456789abcdef/../etc HTTP/1.1\r\nHost: 127.0.0.1:8080", "404"),
    // A name of a stranger's that leads to this machine.
    ("GET /0123456789abcdef/ HTTP/1.1\r\nHost: rebound.example:8080", "421"), ("GET /0123456789abcdef/ HTTP/1.1", "421"),
    ("PUT /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8080", "405"),
    ("GET /0123456789abcdef/evaluate HTTP/1.1\r\nHost: 127.0.0.1:8080", "405"),
    ("POST /0123456789abcdef/evaluate HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: http://elsewhere.example", "403"),
    ("GET /0123456789abcdef/ HTTP/1.0\r\nHost: 127.0.0.1:8080", "400"), ("GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1:8080", "400"),
    ("GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nHost: x", "400"), ("GET /\u{1B} HTTP/1.1\r\nHost: 127.0.0.1:8080", "400"),
    ("GET / HTTP/1.1\r\n Host: 127.0.0.1:8080", "400"), ("GET / HTTP/1.1\r\nHost : 127.0.0.1:8080", "400"),
    ("GET / HTTP/1.1\nHost: x", "400"),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", "501"), ("POST / HTTP/1.1\r\nContent-Length: 999999999", "413"),
    ("POST / HTTP/1.1\r\nContent-Length: -1", "400"), ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", "400"),
    ("GET /\(String(repeating: "x", count: 9000))", "431"),
  ]) func onlyThePageIsServedAndOnlyToWhoKnowsTheToken(_ head: String, _ status: String) {
    #expect(Self.status(head) == status, "\(head.prefix(100))")
  }

  @Test func anAnswerForbidsTheBrowserEverythingElse() throws {
    let answer = try #require(Self.answer("GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"))
    for field in [
      "Content-Security-Policy: default-src 'none'; ", "frame-ancestors 'none'", "X-Content-Type-Options: nosniff",
      "Referrer-Policy: no-referrer",
      "Cache-Control: no-store", "Connection: close", "Content-Length: 15",
    ] { #expect(answer.contains(field), "\(field)") }
    #expect(!answer.contains("unsafe-inline") && !answer.contains("unsafe-eval"))
  }

  @Test func aRequestIsAnsweredWhenItsBodyHasArrived() {
    let head =
      "POST /0123456789abcdef/evaluate HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nContent-Length: 5\r\n\r\n"
    let bytes = Array((head + "hello").utf8)
    for count in bytes.indices { #expect(Self.site.answer(to: Array(bytes[..<count])) == nil, "\(count) bytes") }
    #expect(Self.answer(head + "hello")?.contains(#"{"given": "hello"}"#) == true)
  }

  /// The server itself, on a socket: it answers on 127.0.0.1, and runs a packet.
  @Test func theServerRunsAPacket() throws {
    let outcome = try BuiltCommand.shell(
      """
      F=$(mktemp); ferrule serve --host host.yaml ruleset.rules > $F & P=$!
      for i in $(seq 100); do [ -s $F ] && break; sleep 0.1; done
      bash -c '
        url=$(cat $0); port=${url#http://127.0.0.1:}; port=${port%%/*}; token=${url%/}; token=${token##*/}
        ask() { exec 3<>/dev/tcp/127.0.0.1/$port; printf "$1" >&3; cat <&3; }
        body="wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S"
        ask "POST /$token/evaluate HTTP/1.1\\r\\nHost: 127.0.0.1:$port\\r\\nContent-Length: ${#body}\\r\\n\\r\\n$body"
        ask "GET /$token/ HTTP/1.1\\r\\nHost: 127.0.0.1:$port\\r\\n\\r\\n" | head -1
        ask "GET /wrong/ HTTP/1.1\\r\\nHost: 127.0.0.1:$port\\r\\n\\r\\n" | head -1
      ' $F
      kill $P; rm $F
      """, in: BuiltCommand.root.appending(path: "Examples/router-mistakes"))
    #expect(outcome.text.contains("dropped at INPUT by filter INPUT rule 4"), "\(outcome.text)")
    #expect(outcome.text.contains("-s 10.0.0.0/24: it is 198.51.100.7"))
    #expect(outcome.text.contains("HTTP/1.1 200 OK") && outcome.text.contains("HTTP/1.1 404 Not Found"))
  }

  /// Names and remarks that would be HTML, end the data, or change the display, are text in the page.
  @Test func hostileNamesAreTextInThePage() throws {
    let bytes = HostileFiles().sound
    let parser = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4, isForReading: true)
    let parsed = parser.parse(SourceFile(name: "<img src=x onerror=alert(1)>", bytes: bytes))
    let findings = parsed.diagnostics + [Diagnostic("x", .note, HostileText.strings.joined(), at: SourceRange(0..<1))]
    let subject = ExplorerSubject(parsed.ruleset, in: parsed.file, findings: findings, names: .builtin)
    let hostile = JSONValue.string(HostileText.strings.joined())
    let reports = ExplorerPage.Reports(
      exposure: ["open": [["rule": hostile, "interface": hostile]], "undecided": [hostile]],
      changes: ["result": "different", "regions": [["packets": hostile]], "changes": [["kind": hostile]]])
    let page = ExplorerPage(of: [subject], traces: ["traces": [], "problems": []], reports: reports, isLive: true, version: "1").html
    #expect(HostileText.dangers(in: Array(page.utf8)).isEmpty)
    #expect(
      page.matches(of: /<[a-z!\/]/).count
        == page.matches(of: /<(?:!DOCTYPE|\/?(?:html|head|meta|title|style|body|noscript|script)\b)/).count)
    #expect(page.matches(of: /<script/).count == 2 && page.contains("\\u003cscript>alert(1)\\u003c/scrip"))
    let data = try #require(page.firstMatch(of: /id="data">(.*)<\/script>/))
    let value = try JSONValue(parsing: String(data.1))
    #expect(value["rulesets"]?.elements?[0]["tables"]?.elements?[0]["chains"]?.elements?.count == 3 + HostileText.words.count)
  }

  /// The browser runs the script and the style only if the policy has their hashes, which `openssl` makes too.
  @Test func thePolicyHasTheHashesOfScriptAndStyle() throws {
    let page = ExplorerPage(of: [], traces: [:], isLive: false, version: "1").html
    for (element, directive) in [("<script type=\"module\">", "script-src"), ("<style>", "style-src")] {
      let start = try #require(page.firstRange(of: element)).upperBound
      let end = try #require(page[start...].firstRange(of: "</")).lowerBound
      let file = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: file) }
      try Data(page[start..<end].utf8).write(to: file)
      let hash = try BuiltCommand.shell("sha256sum < '\(file.path)' | cut -c1-64").text
      let bytes = try #require(Hex.bytes(String(hash.prefix(64))))
      #expect(page.contains("\(directive) 'sha256-\(Data(bytes).base64EncodedString())'"))
    }
  }

  /// The page has what `exposure` and `diff` say of the rules; a file that cannot be compared is refused.
  @Test func thePageHasExposureAndDifferences() throws {
    let outcome = try BuiltCommand.shell(
      """
      D=$(mktemp -d); sed s/443/8443/ ruleset.rules > $D/old.v4; printf '*filter\nCOMMIT\n' > $D/old.v6
      ferrule explore --before $D/old.v4 ruleset.rules | sed -n 's/.*id="data">//;s/<.script>$//p'
      ferrule explore --before $D/old.v6 ruleset.rules; S=$?; rm -r $D; exit $S
      """, in: BuiltCommand.root.appending(path: "Examples/web-server"))
    #expect(outcome.status == 2 && outcome.text.contains("no rules of its family"), "\(outcome.text.suffix(300))")
    let line = try #require(outcome.text.split(separator: "\n").first { $0.hasPrefix("{") })
    let data = try JSONValue(parsing: String(line))
    let regions = data["changes"]?["regions"]?.elements ?? []
    #expect(regions.contains { $0["after"]?["verdict"] == "accept" && $0["packets"]?.text?.contains("dport 443") == true })
    #expect(data["changes"]?["changes"]?.elements?.count == 2)
    #expect(data["exposure"]?["open"]?.elements?.contains { $0["ports"] == "80,443" } == true)
  }

  @Test func theCommandMakesOneFileThatNamesNoOther() throws {
    let outcome = try BuiltCommand.shell(
      "ferrule explore --host host.yaml --packet 'wan0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S' ruleset.rules",
      in: BuiltCommand.root.appending(path: "Examples/router-mistakes"))
    #expect(outcome.status == 0 && outcome.text.hasPrefix("<!DOCTYPE html>"))
    #expect(!outcome.text.replacing("http://www.w3.org/2000/svg", with: "").contains("://"))
    #expect(outcome.text.contains("dropped at INPUT by filter INPUT rule 4") && !outcome.text.contains("connect-src"))
    let wrong = try BuiltCommand.shell("ferrule explore --packet 'eth0 nonsense' Examples/router-mistakes/ruleset.rules")
    #expect(wrong.status == 2, "\(wrong.text.prefix(300))")
    #expect(try BuiltCommand.shell("ferrule explore").status == 2)
    let twice = try BuiltCommand.shell("ferrule explore Examples/router-mistakes/ruleset.rules Examples/web-server/ruleset.rules")
    #expect(twice.status == 2 && twice.text.contains("same family"))
  }
}
