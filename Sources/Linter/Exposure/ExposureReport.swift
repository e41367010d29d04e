public import Diagnostics

extension Exposure {
  /// The report as JSON: `{"open": […], "undecided": […]}`.
  public var json: String { JSONText.encode(self) }

  /// Whether it is decided that nothing is open.
  private var isClosed: Bool { open.isEmpty && undecided.isEmpty }

  /// The report as text: for each entry a line, the rule, and a packet.
  public var text: TerminalText {
    var text: TerminalText = isClosed ? "nothing is open\n" : ""
    for entry in open {
      let ports = entry.ports.isEmpty ? "" : " \(entry.ports)"
      text += "\(entry.family) \(entry.interface): \(entry.protocol)\(ports) from \(entry.sources) to \(entry.to)\n"
      if let note = entry.note { text += "    \(note)\n" }
      if let listeners = entry.listeners {
        let words = listeners.isEmpty ? "nothing listens there" : "listening: \(listeners.joined(separator: ", "))"
        text += "    \(words)\n"
      }
      let place = entry.line.map { "line \($0): " } ?? ""
      text += "    \(place)\(entry.rule)\n"
      if let witness = entry.witness { text += "    such a packet: \(witness)\n" }
    }
    for sentence in undecided { text += "undecided: \(sentence)\n" }
    return text
  }

  /// The report as one HTML file.
  public func page(title: String) -> String {
    var page = HTMLPage.head(title)
    page += "<h1>\(Escaping.markup(title))</h1>\n"
    if isClosed { page += "<p>Nothing is open.</p>\n" }
    page += "<table>\n<tr><th>Family</th><th>Interface</th><th>Protocol</th><th>Ports</th><th>Sources</th><th>To</th><th>Rule</th></tr>\n"
    for entry in open {
      let kind = ["bad", "warn", "plain", "plain"][min(entry.rank, 3)]
      let cells = [entry.family, entry.interface, entry.protocol, entry.ports, entry.sources, entry.to].map {
        "<td>\(Escaping.markup($0))</td>"
      }
      var rule = "<code>\(Escaping.markup(entry.line.map { "line \($0): " } ?? ""))\(Escaping.markup(entry.rule))</code>"
      if let witness = entry.witness { rule += "<br><small>such a packet: <code>\(Escaping.markup(witness))</code></small>" }
      if let note = entry.note { rule += "<br><small>\(Escaping.markup(note))</small>" }
      if let listeners = entry.listeners {
        rule +=
          "<br><small>\(Escaping.markup(listeners.isEmpty ? "nothing listens there" : "listening: " + listeners.joined(separator: ", ")))</small>"
      }
      page += "<tr class=\"\(kind)\">\(cells.joined())<td>\(rule)</td></tr>\n"
    }
    page += "</table>\n"
    for sentence in undecided { page += "<p>Undecided: \(Escaping.markup(sentence))</p>\n" }
    return page + HTMLPage.end
  }
}

/// The frame of the HTML reports: one file without scripts, and without anything from elsewhere.
enum HTMLPage {
  static func head(_ title: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Escaping.markup(title))</title>
    <style>
    body { font-family: sans-serif; margin: 2em; color: #222; background: #fff; }
    table { border-collapse: collapse; width: 100%; }
    td, th { padding: .3em .8em; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
    code { overflow-wrap: anywhere; }
    .bad, .fail { background: #fbdcdc; }
    .warn, .undecided, .manual { background: #fdf3d0; }
    .pass { background: #e3f6e3; }
    @media (prefers-color-scheme: dark) {
      body { color: #ddd; background: #181818; }
      td, th { border-color: #444; }
      .bad, .fail { background: #4a1d1d; }
      .warn, .undecided, .manual { background: #453a14; }
      .pass { background: #16351c; }
    }
    @media print { body { margin: 0; } }
    </style>
    </head>
    <body>

    """
  }

  static let end = "</body>\n</html>\n"
}
