/// Cuts a stream of bytes at line ends.
public struct LineReader {
  private var rest: [UInt8] = []

  /// Creates a reader without pending bytes.
  public init() {}

  /// The number of bytes of the unfinished last line.
  public var pendingCount: Int { rest.count }

  /// The complete lines that are available after adding `piece`. An empty piece is the end of the input: then the result is the
  /// last line without its newline.
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
