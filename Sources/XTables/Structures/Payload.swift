/// Reads typed structures from the bytes of a rule and writes them. No other code does that.
///
/// Every structure is a plain value with the kernel's layout. Its padding is zero, because the bytes are zeroed before a structure
/// is stored field by field, see ``Payload/encode(_:)``.
public enum Payload {
  /// The size rounded up to a multiple of 8, as by the kernel's `XT_ALIGN`.
  @inlinable public static func aligned(_ size: Int) -> Int { (size + 7) & ~7 }

  /// The bytes of `info`, padded with zeroes to the aligned size.
  ///
  /// - Precondition: `Info` has no interior padding that could hold stale bytes.
  @inlinable public static func encode<Info: BitwiseCopyable>(_ info: Info) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: aligned(MemoryLayout<Info>.size))
    store(info, in: &bytes, at: 0)
    return bytes
  }

  /// Overwrites the bytes from `offset` on.
  ///
  /// - Precondition: `info` fits into `bytes` at `offset`.
  @inlinable public static func store<Info: BitwiseCopyable>(_ info: Info, in bytes: inout [UInt8], at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<Info>.size <= bytes.count)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe buffer.storeBytes(of: info, toByteOffset: offset, as: Info.self)
    }
  }

  /// Copies a range of `source` into `bytes`.
  ///
  /// - Precondition: both ranges are within their arrays.
  public static func copy(_ range: Range<Int>, of source: [UInt8], into bytes: inout [UInt8], at offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count && offset >= 0 && offset + range.count <= bytes.count)
    unsafe source.withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + range.count)]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
    }
  }

  /// Copies a range of bytes to another place in the same array. The two ranges may overlap.
  ///
  /// - Precondition: both ranges are within the array.
  public static func move(_ range: Range<Int>, in bytes: inout [UInt8], to offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count && offset >= 0 && offset + range.count <= bytes.count)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + range.count)]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: buffer[range]))
    }
  }

  /// Reads a structure; nil if the bytes are too few.
  @inlinable public static func load<Info: BitwiseCopyable>(
    _: Info.Type, from bytes: [UInt8], at offset: Int = 0
  ) -> Info? {
    guard offset >= 0, offset + MemoryLayout<Info>.size <= bytes.count else { return nil }
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe buffer.loadUnaligned(fromByteOffset: offset, as: Info.self)
    }
  }

  /// The offset of a stored property in its structure; nil for a computed property.
  @inlinable public static func offset<Info, Value>(of path: KeyPath<Info, Value>) -> Int? {
    MemoryLayout<Info>.offset(of: path)
  }
}

/// Access to a property of a structure by its offset if it is stored, because a key path calls the runtime at each use.
public struct FieldPath<Info, Value>: Sendable {
  @usableFromInline let path: any WritableKeyPath<Info, Value> & Sendable
  @usableFromInline let offset: Int?

  /// Creates the access to the property of a key path.
  @inlinable
  public init(_ path: any WritableKeyPath<Info, Value> & Sendable) {
    self.path = path
    offset = MemoryLayout<Info>.offset(of: path)
  }

  /// The value of the property in `info`.
  @inlinable
  public subscript(info: Info) -> Value {
    guard let offset else { return info[keyPath: path] }
    return unsafe withUnsafeBytes(of: info) { unsafe $0.load(fromByteOffset: offset, as: Value.self) }
  }

  /// Sets the property in `info`.
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

/// A name of fixed capacity that ends in a NUL, as in the kernel's structures.
public struct FixedName<let capacity: Int>: BitwiseCopyable, Sendable, Equatable {
  /// All bytes, those behind the name included.
  public var storage: InlineArray<capacity, UInt8>

  /// Creates an empty name.
  @inlinable public init() { storage = InlineArray(repeating: 0) }

  /// Creates a name from as many bytes as fit before the final NUL.
  @inlinable
  public init(_ name: ArraySlice<UInt8>) {
    self = FixedName(padding: Array(name.prefix(capacity - 1)))
  }

  /// Copied at once, because an `InlineArray` is initialised element by element through its witnesses.
  @inlinable
  init(padding bytes: [UInt8]) {
    var padded = bytes
    padded.append(contentsOf: repeatElement(0, count: max(0, capacity - bytes.count)))
    self = Payload.load(FixedName.self, from: padded) ?? FixedName()
  }

  /// Creates a name from as many UTF-8 bytes as fit before the final NUL.
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

  /// The name as a string; invalid UTF-8 is replaced.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether the bytes before the first NUL are equal.
  @inlinable public static func == (left: FixedName, right: FixedName) -> Bool { left.bytes == right.bytes }
}
