public import Documents

/// What `ferrule serve` answers: the page, and the ways of packets that are typed into it. Whoever does not know the token gets neither.
public struct ExplorerSite {
  private let token: String
  private let hosts: Set<String>
  private let page: [UInt8]
  private let evaluate: ([UInt8]) throws -> JSONValue

  /// Creates a site.
  ///
  /// - Parameters:
  ///   - token: the first part of every path.
  ///   - port: the port of the server. A request that names another host was led here by a name of a stranger's (DNS rebinding).
  ///   - page: the page of ``ExplorerPage``.
  ///   - evaluate: runs packets; see ``ExplorerTraces/run(_:)``.
  public init(token: String, port: UInt16, page: String, evaluate: @escaping ([UInt8]) throws -> JSONValue) {
    self.token = token
    hosts = ["127.0.0.1:\(port)", "localhost:\(port)"]
    self.page = Array(page.utf8)
    self.evaluate = evaluate
  }

  /// The answer to the bytes that have arrived on a connection; nil as long as more are needed.
  public func answer(to bytes: [UInt8]) -> [UInt8]? {
    switch HTTPRequest.read(bytes) {
    case .partial: nil
    case .refused(let status): HTTPAnswer(status: status).bytes
    case .whole(let request): answer(request).bytes
    }
  }

  private func answer(_ request: HTTPRequest) -> HTTPAnswer {
    guard let host = request.fields["host"], hosts.contains(host) else { return HTTPAnswer(status: 421) }
    let parts = request.target.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[1]) else { return HTTPAnswer(status: 404) }
    switch (request.method, parts[2]) {
    case ("GET", ""):
      return HTTPAnswer(status: 200, type: "text/html; charset=utf-8", body: page, policy: ExplorerPage.policy(isLive: true))
    case ("POST", "evaluate"):
      // Only the page itself asks; a page from elsewhere that guessed the path would say where it comes from.
      guard request.fields["origin"].map({ $0 == "http://\(host)" }) ?? true else { return HTTPAnswer(status: 403) }
      guard let result = try? evaluate(request.body) else { return HTTPAnswer(status: 500) }
      return HTTPAnswer(status: 200, type: "application/json", body: Array(result.description.utf8))
    case (_, ""), (_, "evaluate"): return HTTPAnswer(status: 405)
    default: return HTTPAnswer(status: 404)
    }
  }

  /// Compares all bytes, so that the time does not tell how many are right.
  private func isToken(_ text: Substring) -> Bool {
    let (given, wanted) = (Array(text.utf8), Array(token.utf8))
    return given.count == wanted.count && zip(given, wanted).reduce(0) { $0 | $1.0 ^ $1.1 } == 0
  }
}
