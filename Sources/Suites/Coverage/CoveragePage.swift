import Diagnostics

/// An HTML page with the lines of each file, coloured by whether packets matched.
enum CoveragePage {
  static func render(_ coverage: Coverage) -> String {
    var page = head
    page += "<h1>Rules matched by tests</h1>\n"
    page += "<p>\(coverage.hitCount) of \(coverage.ruleCount) rules (\(Percentage(coverage.hitCount, of: coverage.ruleCount)))</p>\n"
    page += "<table class=\"files\">\n<tr><th>file</th><th>matched</th><th>rules</th><th></th></tr>\n"
    for (index, file) in coverage.files.enumerated() {
      page += "<tr><td><a href=\"#file\(index)\">\(title(file))</a></td><td>\(file.hitCount)</td><td>\(file.rules.count)</td>"
      page += "<td>\(Percentage(file.hitCount, of: file.rules.count))</td></tr>\n"
    }
    page += "</table>\n"
    for (index, file) in coverage.files.enumerated() { page += render(file, index) }
    return page + "</body>\n</html>\n"
  }

  private static func title(_ file: Coverage.File) -> String {
    Escaping.markup(file.source.name) + (file.isIPv6 ? " (IPv6)" : "")
  }

  private static func render(_ file: Coverage.File, _ index: Int) -> String {
    var hits: [Int: UInt64] = [:]
    for rule in file.rules { if let line = rule.line { hits[line] = rule.hits } }
    for chain in file.chains {
      if let line = chain.line, let count = chain.policyHits, count > 0 { hits[line] = count }
    }
    var text = "<h2 id=\"file\(index)\">\(title(file))</h2>\n<table class=\"source\">\n"
    for number in 1...max(1, file.source.lineCount) {
      let count = hits[number]
      let kind = count == nil ? "plain" : count == 0 ? "never" : "hit"
      let line = Escaping.markup(file.source.line(number))
      text += "<tr class=\"\(kind)\"><td class=\"n\">\(number)</td><td class=\"n\">\(count.map { "\($0)" } ?? "")</td>"
      text += "<td><pre>\(line)</pre></td></tr>\n"
    }
    return text + "</table>\n"
  }

  private static let head = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <title>Rules matched by tests</title>
    <style>
    body { font-family: sans-serif; margin: 2em; color: #222; background: #fff; }
    table { border-collapse: collapse; }
    .files td, .files th { padding: .2em .8em; text-align: left; border-bottom: 1px solid #ddd; }
    .source { width: 100%; }
    .source td { padding: 0 .6em; vertical-align: top; }
    .source pre { margin: 0; white-space: pre-wrap; }
    .n { text-align: right; color: #777; width: 1%; font-family: monospace; }
    .hit { background: #e3f6e3; }
    .never { background: #fbdcdc; }
    @media (prefers-color-scheme: dark) {
      body { color: #ddd; background: #181818; }
      .hit { background: #16351c; }
      .never { background: #4a1d1d; }
    }
    </style>
    </head>
    <body>

    """
}
