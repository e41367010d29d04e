/// The one place where typed structures are read from and written to the bytes of a rule.
///
/// Every structure passed here is a plain value whose layout is the kernel's; padding is zero because the bytes are
/// zeroed before a structure is stored field by field, see ``Payload/encode(_:)``.
public enum Payload {
  /// Rounds up as the kernel's `XT_ALIGN` does.
  @inlinable public static func aligned(_ size: Int) -> Int { (size + 7) & ~7 }

  /// The bytes of `info`, filled up with zeroes to its aligned size.
  ///
  /// - Precondition: `Info` has no interior padding that could carry stale bytes.
  @inlinable public static func encode<Info: BitwiseCopyable>(_ info: Info) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: aligned(MemoryLayout<Info>.size))
    store(info, in: &bytes, at: 0)
    return bytes
  }

  /// Overwrites the bytes from `offset` on.
  @inlinable public static func store<Info: BitwiseCopyable>(_ info: Info, in bytes: inout [UInt8], at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<Info>.size <= bytes.count)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe buffer.storeBytes(of: info, toByteOffset: offset, as: Info.self)
    }
  }

  /// Copies a part of some bytes over a part of others.
  public static func copy(_ range: Range<Int>, of source: [UInt8], into bytes: inout [UInt8], at offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count && offset >= 0 && offset + range.count <= bytes.count)
    unsafe source.withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + range.count)]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
    }
  }

  /// Copies a part of some bytes over another part of them; the two may overlap.
  public static func move(_ range: Range<Int>, in bytes: inout [UInt8], to offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count && offset >= 0 && offset + range.count <= bytes.count)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + range.count)]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: buffer[range]))
    }
  }

  /// Reads a structure, or nothing where the bytes are too few.
  @inlinable public static func load<Info: BitwiseCopyable>(
    _: Info.Type, from bytes: [UInt8], at offset: Int = 0
  ) -> Info? {
    guard offset >= 0, offset + MemoryLayout<Info>.size <= bytes.count else { return nil }
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe buffer.loadUnaligned(fromByteOffset: offset, as: Info.self)
    }
  }

  /// Where a stored property lies in its structure.
  @inlinable public static func offset<Info, Value>(of path: KeyPath<Info, Value>) -> Int? {
    MemoryLayout<Info>.offset(of: path)
  }
}

/// A property of a structure, reached by its place in it where it is stored there: a key path asks the runtime at every use.
public struct FieldPath<Info, Value>: Sendable {
  @usableFromInline let path: any WritableKeyPath<Info, Value> & Sendable
  @usableFromInline let offset: Int?

  @inlinable
  public init(_ path: any WritableKeyPath<Info, Value> & Sendable) {
    self.path = path
    offset = MemoryLayout<Info>.offset(of: path)
  }

  @inlinable
  public subscript(info: Info) -> Value {
    guard let offset else { return info[keyPath: path] }
    return unsafe withUnsafeBytes(of: info) { unsafe $0.load(fromByteOffset: offset, as: Value.self) }
  }

  @inlinable
  public func set(_ value: Value, in info: inout Info) {
    guard let offset else {
      info[keyPath: path] = value
      return
    }
    unsafe withUnsafeMutableBytes(of: &info) { bytes in
      unsafe (bytes.baseAddress! + offset).assumingMemoryBound(to: Value.self).pointee = value
    }
  }
}

/// A name of fixed room, ended by a NUL, as the kernel's structures hold them.
public struct FixedName<let capacity: Int>: BitwiseCopyable, Sendable, Equatable {
  public var storage: InlineArray<capacity, UInt8>

  @inlinable public init() { storage = InlineArray(repeating: 0) }

  /// Takes as much of the name as has room beside the final NUL.
  @inlinable
  public init(_ name: ArraySlice<UInt8>) {
    self = FixedName(padding: Array(name.prefix(capacity - 1)))
  }

  /// Filled at once: an `InlineArray` would be initialised element by element through its witnesses.
  @inlinable
  init(padding bytes: [UInt8]) {
    var padded = bytes
    padded.append(contentsOf: repeatElement(0, count: max(0, capacity - bytes.count)))
    self = Payload.load(FixedName.self, from: padded) ?? FixedName()
  }

  @inlinable public init(_ name: String) { self.init(ArraySlice(name.utf8)) }

  /// The bytes before the first NUL.
  @inlinable public var bytes: [UInt8] {
    var result: [UInt8] = []
    for index in 0..<capacity {
      if storage[index] == 0 { break }
      result.append(storage[index])
    }
    return result
  }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  @inlinable public static func == (left: FixedName, right: FixedName) -> Bool { left.bytes == right.bytes }
}
