import Diagnostics
public import Documents
import Evaluator

/// The page of `ferrule explore` and `ferrule serve`: one HTML file with its script, its style and its data, which loads nothing.
public struct ExplorerPage {
  private let subjects: [ExplorerSubject]
  private let traces: JSONValue
  private let reports: Reports
  private let isLive: Bool
  private let version: String

  /// What other analyses say of the rules, in the JSON of `ferrule exposure` and `ferrule diff`.
  public struct Reports {
    let exposure: JSONValue
    let changes: JSONValue

    /// Creates reports.
    ///
    /// - Parameters:
    ///   - exposure: what strangers reach.
    ///   - changes: the comparison with older rules; nil if there are none.
    public init(exposure: JSONValue = ["open": [], "undecided": []], changes: JSONValue? = nil) {
      self.exposure = exposure.escaped
      self.changes = changes?.escaped ?? .null
    }
  }

  /// Creates a page.
  ///
  /// - Parameters:
  ///   - traces: what ``ExplorerTraces/run(_:)`` returned for the packets of the page.
  ///   - isLive: whether a server evaluates the packets that are typed into the page.
  public init(of subjects: [ExplorerSubject], traces: JSONValue, reports: Reports = Reports(), isLive: Bool, version: String) {
    self.subjects = subjects
    self.traces = traces
    self.reports = reports
    self.isLive = isLive
    self.version = version
  }

  /// What the browser may load and run: the style and the script of the page, by their hashes, and nothing else.
  public static func policy(isLive: Bool) -> String {
    func hash(_ text: String) -> String { "'sha256-" + Base64.text(SHA256.hash(Array(text.utf8))) + "'" }
    return "default-src 'none'; style-src \(hash(style)); script-src \(hash(script)); base-uri 'none'; form-action 'none'"
      + (isLive ? "; connect-src 'self'" : "")
  }

  private var data: String {
    let hooks = PacketPath().stages.map { stage -> JSONValue in
      ["name": .string(stage.hook), "operations": .array(stage.operations.map { .string($0.name) })]
    }
    let value: JSONValue = [
      "version": .string(version), "live": .bool(isLive), "hooks": .array(hooks), "rulesets": .array(subjects.map(\.json)),
      "traces": traces["traces"] ?? [], "problems": traces["problems"] ?? [],
      "exposure": reports.exposure, "changes": reports.changes,
    ]
    // The end of the element, and a comment in it, would be read as HTML.
    return value.description.replacing("<", with: "\\u003c")
  }

  /// The page.
  public var html: String {
    let title = subjects.map { $0.file.name }.joined(separator: ", ")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy(isLive: isLive))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <title>\(Escaping.markup(title)) – Ferrule</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <noscript>This page shows the ruleset by a script of its own; it loads nothing.</noscript>
      <script type="application/json" id="data">\(data)</script>
      <script type="module">\(Self.script)</script>
      </body>
      </html>

      """
  }
}

extension JSONValue {
  /// The value with every text escaped, as the page shows it.
  fileprivate var escaped: JSONValue {
    switch self {
    case .string(let text): .string(Escaping.line(text))
    case .array(let elements): .array(elements.map(\.escaped))
    case .object(let object): .object(JSONObject(object.members.map { JSONObject.Member($0.name, $0.value.escaped) }))
    default: self
    }
  }
}
