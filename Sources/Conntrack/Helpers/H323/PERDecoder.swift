/// The kept parts of a message: the alternative of a choice, the components of a sequence, the elements of a list.
struct PERValue: Sendable {
  var choice: String?
  var members: [String: PERValue] = [:]
  var items: [PERValue] = []
  /// The position of an address, in bytes from the start of the packet.
  var place: Int?
  var number: UInt32?

  subscript(_ name: String) -> PERValue? { members[name] }

  /// The value of an alternative; nil if the choice has another one.
  func alternative(_ name: String) -> PERValue? { choice == name ? members[name] : nil }
}

/// Decodes a message by a schema, as far and as leniently as the kernel's decoder. Decoding may stop where nothing of interest
/// follows; the values decoded until then are the result.
struct PERDecoder {
  enum Outcome { case done, stopped, failed }

  private let schema: PERSchema
  private var reader: PERReader
  /// The number of elements that may still be decoded. Nested counts in a hostile message would multiply without it.
  private var budget = 100_000

  init(_ schema: PERSchema, _ bytes: [UInt8], _ range: Range<Int>) {
    self.schema = schema
    reader = PERReader(bytes, range)
  }

  /// Decodes a message of a root type; nil if it cannot be decoded.
  mutating func message(_ root: PERSchema.Field) -> PERValue? {
    var value: PERValue? = PERValue()
    return decode(root, &value) == .failed ? nil : value
  }

  private mutating func decode(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    budget -= 1
    guard budget > 0 else { return .failed }
    switch field.kind {
    case .nul: return .done
    case .bool: reader.skip(bits: 1)
    case .oid: return object()
    case .int: return integer(field, &value)
    case .bits: return bitString(field)
    case .digits: return digits(field)
    case .octets: return octets(field, &value)
    case .bmp: return text(field)
    case .seq: return sequence(field, &value)
    case .list: return list(field, &value)
    case .choice: return choice(field, &value)
    case .stop: return .stopped
    case .skipped: return skipped(&value)
    }
    return bounded
  }

  private var bounded: Outcome { reader.has() ? .done : .failed }

  // MARK: Leaves

  private mutating func object() -> Outcome {
    reader.align()
    guard reader.has(bytes: 1) else { return .failed }
    reader.place += reader.next()
    return bounded
  }

  private mutating func integer(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    switch field.size {
    case .byte:
      reader.align()
      reader.place += 1
    case .word:
      reader.align()
      reader.place += 2
    case .cons:
      guard reader.has(bits: 2) else { return .failed }
      let length = reader.number(bits: 2) + 1
      guard reader.has(bytes: length) else { return .failed }
      reader.align()
      // As the kernel: after reading a number, skips its length once more.
      if value != nil, field.isKept { value?.number = reader.number(bytes: length) &+ UInt32(field.lower) }
      reader.place += length
    case .semi, .fixed:
      reader.align()
      guard reader.has(bytes: 2) else { return .failed }
      reader.place += reader.length()
    case .bits(let count): reader.skip(bits: count)
    }
    return bounded
  }

  private mutating func bitString(_ field: PERSchema.Field) -> Outcome {
    reader.align()
    var length = 0
    switch field.size {
    case .fixed: length = field.lower
    case .word:
      guard reader.has(bytes: 2) else { return .failed }
      length = reader.next() << 8
      length += reader.next() + field.lower
    case .semi:
      guard reader.has(bytes: 2) else { return .failed }
      length = reader.length()
    default: break
    }
    reader.place += length >> 3
    reader.bit = length & 7
    return bounded
  }

  private mutating func digits(_ field: PERSchema.Field) -> Outcome {
    guard case .bits(let count) = field.size, reader.has(bits: count) else { return .failed }
    let length = reader.number(bits: count) + field.lower
    reader.align()
    reader.skip(bits: length << 2)
    return bounded
  }

  private mutating func octets(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    var length = field.lower
    switch field.size {
    case .fixed:
      if field.lower > 2 {
        reader.align()
        if value != nil, field.isKept { value?.place = reader.place }
      }
    case .byte:
      reader.align()
      guard reader.has(bytes: 1) else { return .failed }
      length += reader.next()
    case .semi:
      reader.align()
      guard reader.has(bytes: 2) else { return .failed }
      length += reader.length()
    default:
      // As the kernel: reads the length of strings of up to 64K in ten bits.
      var count = 10
      if case .bits(let given) = field.size { count = given }
      guard reader.has(bits: count) else { return .failed }
      length += reader.number(bits: count)
      reader.align()
    }
    reader.place += length
    return bounded
  }

  private mutating func text(_ field: PERSchema.Field) -> Outcome {
    var length = field.lower
    if case .bits(let count) = field.size {
      guard reader.has(bits: count) else { return .failed }
      length += reader.number(bits: count)
      reader.align()
    } else {
      reader.align()
      guard reader.has(bytes: 1) else { return .failed }
      length += reader.next()
    }
    reader.place += length << 1
    return bounded
  }

  /// Skips an open type.
  private mutating func skipped(_ value: inout PERValue?) -> Outcome {
    guard let length = openLength() else { return .failed }
    reader.place += length
    return .done
  }

  private mutating func openLength() -> Int? {
    guard reader.has(bytes: 2) else { return nil }
    let length = reader.length()
    return reader.has(bytes: length) ? length : nil
  }

  /// Decodes an open type if it is kept, and continues after its length.
  private mutating func open(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    guard value != nil, field.isKept, field.kind != .skipped else { return skipped(&value) }
    guard let length = openLength() else { return .failed }
    let start = reader.place
    guard decode(field, &value) != .failed else { return .failed }
    reader.place = start + length
    reader.bit = 0
    return .done
  }

  // MARK: Structures

  /// Decodes a component into the value that contains it.
  private mutating func member(
    of value: inout PERValue?, _ field: PERSchema.Field, _ read: (inout PERDecoder, inout PERValue?) -> Outcome
  ) -> Outcome {
    var inner: PERValue? = value != nil && field.isKept ? PERValue() : nil
    let outcome = read(&self, &inner)
    if let inner { value?.members[field.name] = inner }
    return outcome
  }

  private func fields(of field: PERSchema.Field) -> [PERSchema.Field] { field.type.map { schema.types[$0] } ?? [] }

  private mutating func sequence(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    let fields = fields(of: field)
    guard reader.has(bits: 1) else { return .failed }
    let isExtended = field.isExtensible && reader.flag()
    var count = 0
    if case .bits(let given) = field.size { count = given }
    guard reader.has(bits: count), count <= 32 else { return .failed }
    let present = reader.bitmap(count)
    var optional: UInt32 = 0
    for component in fields.prefix(field.lower) {
      if component.kind == .stop { return .stopped }
      if component.isOptional {
        defer { optional += 1 }
        if optional > 31 || present & (0x8000_0000 >> optional) == 0 { continue }
      }
      let isOpen = component.isOpen || component.kind == .skipped
      let outcome = member(of: &value, component) { isOpen ? $0.open(component, &$1) : $0.decode(component, &$1) }
      if outcome == .failed { return .failed }
    }
    return isExtended ? extensions(fields.dropFirst(field.lower), known: field.upper - field.lower, &value) : .done
  }

  /// - Parameter known: the number of additions in the kernel's version of the message. The schema omits trailing additions without
  ///   addresses.
  private mutating func extensions(_ fields: ArraySlice<PERSchema.Field>, known: Int, _ value: inout PERValue?) -> Outcome {
    guard reader.has(bits: 7) else { return .failed }
    let count = reader.number(bits: 7) + 1
    guard reader.has(bits: count), count <= 32 else { return .failed }
    let present = reader.bitmap(count)
    reader.align()
    for index in 0..<count {
      // The kernel assumes that every unknown addition is present.
      if index >= known {
        if skipped(&value) == .failed { return .failed }
        continue
      }
      let component = index < fields.count ? fields[fields.startIndex + index] : PERSchema.Field(name: "")
      if component.kind == .stop { return .stopped }
      if present & (0x8000_0000 >> UInt32(index)) == 0 { continue }
      if member(of: &value, component, { $0.open(component, &$1) }) == .failed { return .failed }
    }
    return .done
  }

  private mutating func list(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    reader.align()
    guard reader.has(bytes: 2) else { return .failed }
    let count = reader.length()
    guard let element = fields(of: field).first else { return .failed }
    for index in 0..<count {
      if element.isOpen { reader.align() }
      var inner: PERValue? = value != nil && index < field.upper ? PERValue() : nil
      let outcome = element.isOpen ? open(element, &inner) : decode(element, &inner)
      if let inner { value?.items.append(inner) }
      if outcome == .failed { return .failed }
    }
    return .done
  }

  private mutating func choice(_ field: PERSchema.Field, _ value: inout PERValue?) -> Outcome {
    let alternatives = fields(of: field)
    guard reader.has(bits: 1) else { return .failed }
    let isExtension = field.isExtensible && reader.flag()
    var number: Int
    if isExtension {
      guard reader.has(bits: 7) else { return .failed }
      number = reader.number(bits: 7) + field.lower
    } else {
      var bits = 0
      if case .bits(let given) = field.size { bits = given }
      guard reader.has(bits: bits) else { return .failed }
      number = reader.number(bits: bits)
      guard number < field.lower else { return .failed }
    }
    guard number < alternatives.count else {
      reader.align()
      return skipped(&value)
    }
    let alternative = alternatives[number]
    value?.choice = alternative.name
    if alternative.kind == .stop { return .stopped }
    let isOpen = isExtension || alternative.isOpen || alternative.kind == .skipped
    if isOpen { reader.align() }
    return member(of: &value, alternative) { isOpen ? $0.open(alternative, &$1) : $0.decode(alternative, &$1) }
  }
}
