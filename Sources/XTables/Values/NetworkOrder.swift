/// A number in network byte order, as in packets and many of the kernel's structures.
///
/// The corresponding kernel types are `__be16` and `__be32`.
public struct NetworkOrder<Word: FixedWidthInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable, Hashable {
  private var stored: Word

  /// Stores a number in network byte order.
  public init(_ value: Word = 0) { stored = value.bigEndian }

  /// The number in host byte order.
  public var value: Word {
    get { Word(bigEndian: stored) }
    set { stored = newValue.bigEndian }
  }
}
