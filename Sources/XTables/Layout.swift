/// One revision of an extension's structure in the kernel's interface.
///
/// An extension keeps its newest revision in memory; older ones are converted when a blob brings them, and when a kernel
/// knows nothing newer.
public struct Layout<Info: Sendable>: Sendable {
  public let revision: UInt8
  /// `XT_ALIGN(sizeof(struct))`.
  public let size: Int
  /// How many leading bytes user space and kernel agree on; the kernel keeps the rest for itself.
  public let userSize: Int
  let decode: @Sendable ([UInt8]) -> Info?
  /// Nothing where the older structure cannot say what the newer one means.
  let encode: @Sendable (Info) -> [UInt8]?

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
  /// - Parameter abiSize: `MemoryLayout<the imported C structure>.size`, so that the two cannot drift apart.
  public init(revision: UInt8, abiSize: Int, userSize: Int? = nil) {
    precondition(Payload.aligned(MemoryLayout<Info>.size) == Payload.aligned(abiSize), "\(Info.self) is not \(abiSize) bytes")
    self.init(
      revision: revision, size: abiSize, userSize: userSize,
      decode: { Payload.load(Info.self, from: $0) }, encode: { Payload.encode($0) })
  }

  /// An older revision with a structure of its own.
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
