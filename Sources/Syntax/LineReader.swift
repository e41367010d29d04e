/// Cuts what comes into whole lines.
public struct LineReader {
  private var rest: [UInt8] = []

  public init() {}

  /// Bytes of the line that is not whole yet.
  public var pendingCount: Int { rest.count }

  /// All whole lines there are now. An empty piece ends the input, and what is left then is a line without its newline.
  public mutating func lines(adding piece: [UInt8]) -> [UInt8] {
    if piece.isEmpty {
      defer { rest = [] }
      return rest
    }
    guard let newline = piece.lastIndex(of: UInt8(ascii: "\n")) else {
      rest += piece
      return []
    }
    let whole = rest + piece[...newline]
    rest = Array(piece[(newline + 1)...])
    return whole
  }
}
