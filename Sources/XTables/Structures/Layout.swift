/// One revision of an extension's structure in the kernel's interface.
///
/// A rule stores the newest revision. Older revisions are converted when they are read from a blob, or when the kernel does not
/// know a newer one.
public struct Layout<Info: Sendable>: Sendable {
  /// The revision number.
  public let revision: UInt8
  /// The size of the structure in bytes: `XT_ALIGN(sizeof(struct))`.
  public let size: Int
  /// The number of leading bytes that user space sets; the kernel uses the rest.
  public let userSize: Int
  let decode: @Sendable ([UInt8]) -> Info?
  /// Nil if the older structure cannot express the newer one.
  let encode: @Sendable (Info) -> [UInt8]?

  /// Creates a revision with its own conversions. `size` is aligned; `userSize` defaults to the aligned size.
  public init(
    revision: UInt8, size: Int, userSize: Int? = nil, decode: @escaping @Sendable ([UInt8]) -> Info?,
    encode: @escaping @Sendable (Info) -> [UInt8]?
  ) {
    self.revision = revision
    self.size = Payload.aligned(size)
    self.userSize = userSize ?? Payload.aligned(size)
    self.decode = decode
    self.encode = encode
  }
}

extension Layout where Info: BitwiseCopyable {
  /// The revision whose structure is `Info` itself.
  ///
  /// - Parameter abiSize: `MemoryLayout<the imported C structure>.size`. A precondition compares it with the size of `Info`.
  public init(revision: UInt8, abiSize: Int, userSize: Int? = nil) {
    precondition(Payload.aligned(MemoryLayout<Info>.size) == Payload.aligned(abiSize), "\(Info.self) is not \(abiSize) bytes")
    self.init(
      revision: revision, size: abiSize, userSize: userSize,
      decode: { Payload.load(Info.self, from: $0) }, encode: { Payload.encode($0) })
  }

  /// An older revision with its own structure.
  public init<Old: BitwiseCopyable & Sendable>(
    revision: UInt8, _: Old.Type, abiSize: Int, userSize: Int? = nil,
    upgrade: @escaping @Sendable (Old) -> Info, downgrade: @escaping @Sendable (Info) -> Old?
  ) {
    precondition(Payload.aligned(MemoryLayout<Old>.size) == Payload.aligned(abiSize), "\(Old.self) is not \(abiSize) bytes")
    self.init(
      revision: revision, size: abiSize, userSize: userSize,
      decode: { bytes in Payload.load(Old.self, from: bytes).map(upgrade) },
      encode: { info in downgrade(info).map { Payload.encode($0) } })
  }
}
