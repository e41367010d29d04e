/// A number as it stands on the wire and in many of the kernel's structures: most significant byte first.
///
/// The corresponding kernel types are `__be16` and `__be32`.
public struct NetworkOrder<Word: FixedWidthInteger & BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable, Hashable {
  private var stored: Word

  public init(_ value: Word = 0) { stored = value.bigEndian }

  public var value: Word {
    get { Word(bigEndian: stored) }
    set { stored = newValue.bigEndian }
  }
}
