import Documents
import Netfilter
import XTables

/// Where chains are declared and named, and renaming one everywhere.
extension LanguageSession {
  func definition(_ request: RequestPlace) -> JSONValue {
    guard let chain = request.document.text.chain(at: request.place) else { return .null }
    let places = request.document.text.places(of: chain.mention.name, in: chain.table)
    return places.first { $0.mention.role == .declares }.map { location($0, in: request.document) } ?? .null
  }

  func references(_ request: RequestPlace, _ parameters: JSONValue) -> JSONValue {
    guard let chain = request.document.text.chain(at: request.place) else { return .null }
    let isWhole = parameters["context"]?["includeDeclaration"] != .bool(false)
    let places = request.document.text.places(of: chain.mention.name, in: chain.table).filter { isWhole || $0.mention.role != .declares }
    return .array(places.map { location($0, in: request.document) })
  }

  func highlights(_ request: RequestPlace) -> JSONValue {
    guard let chain = request.document.text.chain(at: request.place) else { return .null }
    return .array(
      request.document.text.places(of: chain.mention.name, in: chain.table).map { place in
        // A declaration is written, a use is read.
        [
          "range": range(place.mention.range, line: place.line, in: request.document.text),
          "kind": .integer(place.mention.role == .declares ? 3 : 2),
        ]
      })
  }

  private func renamable(_ request: RequestPlace) throws(RequestFailure) -> ChainPlace {
    guard let chain = request.document.text.chain(at: request.place) else { throw .failed("there is no name of a chain here") }
    guard !chain.table.hooks.contains(where: { $0.name == chain.mention.name }) else {
      throw .failed("\(chain.mention.name) is a built-in chain")
    }
    return chain
  }

  func renamed(_ request: RequestPlace) throws(RequestFailure) -> JSONValue {
    let chain = try renamable(request)
    return [
      "range": range(chain.mention.range, line: chain.line, in: request.document.text), "placeholder": .string(chain.mention.name),
    ]
  }

  func rename(_ request: RequestPlace, _ parameters: JSONValue) throws(RequestFailure) -> JSONValue {
    let chain = try renamable(request)
    guard let name = parameters["newName"]?.text else { throw .invalid("there is no new name") }
    if let objection = objection(to: name, in: request.document, chain.table) { throw .failed(objection) }
    let places = request.document.text.places(of: chain.mention.name, in: chain.table)
    return edit(
      request.document,
      places.map { place in
        ["range": range(place.mention.range, line: place.line, in: request.document.text), "newText": .string(name)]
      })
  }

  /// Why a chain cannot have a name. The rules are those of `xtables_chain_name` and of the restore format, in which a name has no blanks.
  private func objection(to name: String, in document: OpenDocument, _ table: TableName) -> String? {
    if name.isEmpty || name.utf8.count > 28 { return "the name of a chain has 1 to 28 bytes" }
    if name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
      return "the name of a chain has no blanks, quotes or control characters"
    }
    if name.hasPrefix("-") || name.hasPrefix("!") || name.hasPrefix("[") { return "the name of a chain does not begin with -, ! or [" }
    if StandardVerdict(rawValue: name) != nil || document.registry.target(named: name, document.family) != nil {
      return "\(name) is the name of a target"
    }
    if document.text.chains(in: table).contains(name) { return "the table has a chain \(name) already" }
    return nil
  }
}
