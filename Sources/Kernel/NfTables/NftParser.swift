internal import Compiler
internal import Wire
internal import XTables

/// Parses the attributes of nf_tables' messages. Lengths are checked before use; what is missing or too short makes the message malformed.
package enum NftParser {
  /// Calls `body` with the type and the place of the payload of each attribute.
  ///
  /// - Returns: false if an attribute is cut short.
  private static func places(_ bytes: ArraySlice<UInt8>, _ body: (UInt16, Range<Int>) -> Void) -> Bool {
    var at = bytes.startIndex
    while bytes.endIndex - at >= 4 {
      // Attributes are in the machine's byte order, little-endian on x86-64 and arm64.
      let length = Int(bytes[at]) | Int(bytes[at + 1]) << 8
      let type = (UInt16(bytes[at + 2]) | UInt16(bytes[at + 3]) << 8) & 0x3FFF
      guard length >= 4, length <= bytes.endIndex - at else { return false }
      body(type, (at + 4)..<(at + length))
      at += (length + 3) & ~3
    }
    return at >= bytes.endIndex
  }

  /// Calls `body` with the type and the payload of each attribute.
  ///
  /// - Returns: false if an attribute is cut short.
  @discardableResult
  static func attributes(_ bytes: ArraySlice<UInt8>, _ body: (UInt16, ArraySlice<UInt8>) -> Void) -> Bool {
    places(bytes) { body($0, bytes[$1]) }
  }

  /// The payload of the attribute of a type; nil if there is none or one is cut short. Of several, the last one counts.
  static func attribute(_ wanted: UInt16, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var found: Range<Int>?
    guard places(bytes, { type, place in if type == wanted { found = place } }) else { return nil }
    return found.map { bytes[$0] }
  }

  static func text(_ bytes: ArraySlice<UInt8>?) -> String? { bytes.map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }

  /// The attributes of the numbers below 13; of several of one number, the last one counts.
  struct Fields {
    private let bytes: ArraySlice<UInt8>
    /// Where each attribute's payload is. Slices would be counted references, of which every copy of this structure counts 13.
    private var places: InlineArray<13, (start: Int32, end: Int32)>
    private(set) var isWhole = true

    init(_ bytes: ArraySlice<UInt8>) {
      self.bytes = bytes
      var places = InlineArray<13, (start: Int32, end: Int32)>(repeating: (-1, -1))
      isWhole = NftParser.places(bytes) { type, place in
        guard type < 13, let end = Int32(exactly: place.upperBound) else { return }
        places[Int(type)] = (Int32(place.lowerBound), end)
      }
      self.places = places
    }

    subscript(type: UInt16) -> ArraySlice<UInt8>? {
      let place = places[Int(type)]
      return place.start < 0 ? nil : bytes[Int(place.start)..<Int(place.end)]
    }

    func number64(_ type: UInt16) -> UInt64? {
      let place = places[Int(type)]
      guard place.start >= 0, 1...8 ~= place.end - place.start else { return nil }
      var number: UInt64 = 0
      for at in Int(place.start)..<Int(place.end) { number = number << 8 | UInt64(bytes[at]) }
      return number
    }

    func number32(_ type: UInt16) -> UInt32? { number64(type).flatMap { UInt32(exactly: $0) } }
    func text(_ type: UInt16) -> String? { NftParser.text(self[type]) }
    func nested(_ type: UInt16) -> Fields? { self[type].map { Fields($0) } }
    func bytes(_ type: UInt16) -> [UInt8]? { self[type].map { Array($0) } }
  }

  // MARK: Objects

  /// The family and the attributes of a message; nil if it is too short.
  private static func content(_ message: NetlinkMessage) -> (family: UInt8, fields: Fields)? {
    guard message.body.count >= 4 else { return nil }
    let fields = Fields(message.body[4...])
    return fields.isWhole ? (message.body[0], fields) : nil
  }

  /// A table without its chains; nil if the message is malformed.
  package static func table(_ message: NetlinkMessage) -> NftTable? {
    guard let (family, fields) = content(message), let name = fields.text(NftNumber.Table.name) else { return nil }
    var table = NftTable(family: family, name: name)
    table.flags = fields.number32(NftNumber.Table.flags) ?? 0
    return table
  }

  /// A chain without its rules, and the table that it belongs to; nil if the message is malformed.
  package static func chain(_ message: NetlinkMessage) -> (family: UInt8, table: String, chain: NftChain)? {
    guard let (family, fields) = content(message), let table = fields.text(NftNumber.Chain.table),
      let name = fields.text(NftNumber.Chain.name)
    else { return nil }
    var chain = NftChain(name: name)
    if let hook = fields.nested(NftNumber.Chain.hook) {
      guard hook.isWhole, let number = hook.number32(NftNumber.Chain.hookNumber), let priority = hook.number32(NftNumber.Chain.hookPriority)
      else { return nil }
      var devices: [String] = []
      if let device = hook.text(NftNumber.Chain.hookDevice) { devices.append(device) }
      if let list = hook[NftNumber.Chain.hookDevices] { attributes(list) { _, name in text(name).map { devices.append($0) } } }
      chain.place = NftChain.Place(
        hook: number, priority: Int32(bitPattern: priority), type: fields.text(NftNumber.Chain.type) ?? "filter",
        devices: Array(Set(devices)).sorted())
    }
    chain.uses = Int(fields.number32(NftNumber.Chain.uses) ?? 0)
    // NF_DROP is 0.
    chain.drops = fields.number32(NftNumber.Chain.policy) == 0
    if let counters = fields.nested(NftNumber.Chain.counters) {
      chain.counters = Counters(
        packets: counters.number64(NftNumber.Counter.packets) ?? 0, bytes: counters.number64(NftNumber.Counter.bytes) ?? 0)
    }
    return (family, table, chain)
  }

  /// The name of a set, an object or a flow table, and the table that it belongs to.
  package static func object(_ message: NetlinkMessage) -> (family: UInt8, table: String, name: String)? {
    guard let (family, fields) = content(message), let table = fields.text(NftNumber.Named.table) else { return nil }
    return fields.text(NftNumber.Named.name).map { (family, table, $0) }
  }

  /// A set without its elements, and its place; nil if the message is malformed.
  package static func set(_ message: NetlinkMessage) -> (family: UInt8, table: String, name: String, set: NftSet)? {
    guard let (family, fields) = content(message), let table = fields.text(NftNumber.Named.table),
      let name = fields.text(NftNumber.Named.name)
    else { return nil }
    typealias Number = NftNumber.SetObject
    let flags = fields.number32(Number.flags) ?? 0
    // A key has at most NFT_DATA_VALUE_MAXLEN bytes.
    guard let length = fields.number32(Number.keyLength), (1...64).contains(length) else {
      return (family, table, name, NftSet(flags: flags, keyLength: 0))
    }
    var set = NftSet(flags: flags, keyLength: Int(length))
    set.isDataMap = flags & Number.map != 0 && fields.number32(Number.dataType) != Number.verdict
    return (family, table, name, set)
  }

  /// Elements of a set, and whether one of them is special; nil if the message is malformed.
  package static func elements(
    _ message: NetlinkMessage
  ) -> (family: UInt8, table: String, set: String, elements: [NftSet.Element], areSpecial: Bool)? {
    typealias Number = NftNumber.SetElement
    guard let (family, fields) = content(message), let table = fields.text(Number.table), let set = fields.text(Number.set) else {
      return nil
    }
    var (elements, areSpecial, isSound) = ([NftSet.Element](), false, true)
    if let list = fields[Number.elements] {
      let isWhole = attributes(list) { _, item in
        let item = Fields(item)
        let flags = item.number32(Number.flags) ?? 0
        if item[Number.timeout] != nil || item[Number.expression] != nil || item[Number.expressions] != nil
          || flags & Number.catchAll != 0
        {
          areSpecial = true
        }
        guard item.isWhole else {
          isSound = false
          return
        }
        guard let key = item.nested(Number.key)?.bytes(NftNumber.Data.value) else {
          areSpecial = true
          return
        }
        var element = NftSet.Element(key: key, keyEnd: item.nested(Number.keyEnd)?.bytes(NftNumber.Data.value))
        element.isEnd = flags & Number.intervalEnd != 0
        if let verdict = item.nested(Number.data)?.nested(NftNumber.Data.verdict), let code = verdict.number32(NftNumber.Data.code) {
          element.end = NativeRule.End(Int32(bitPattern: code), verdict.text(NftNumber.Data.chain))
        }
        elements.append(element)
      }
      isSound = isSound && isWhole
    }
    return isSound ? (family, table, set, elements, areSpecial) : nil
  }

  /// A rule and its place; nil if the message is malformed.
  package static func rule(_ message: NetlinkMessage) -> (family: UInt8, table: String, chain: String, rule: NftRule)? {
    guard let (family, fields) = content(message), let table = fields.text(NftNumber.Rule.table),
      let chain = fields.text(NftNumber.Rule.chain), let handle = fields.number64(NftNumber.Rule.handle)
    else { return nil }
    guard var rule = NftRule(handle: handle, elements: fields[NftNumber.Rule.expressions] ?? []) else { return nil }
    if let userData = fields[NftNumber.Rule.userData] { rule.comment = comment(userData) }
    return (family, table, chain, rule)
  }

  /// Calls `body` with the name and the data of each expression.
  ///
  /// - Parameter elements: the payload of `NFTA_RULE_EXPRESSIONS`.
  /// - Returns: false if it is malformed.
  @discardableResult
  static func forEachExpression(in elements: ArraySlice<UInt8>, _ body: (_ name: ArraySlice<UInt8>, _ data: ArraySlice<UInt8>) -> Void)
    -> Bool
  {
    var isSound = true
    let isWhole = places(elements) { _, place in
      var (name, data): (Range<Int>?, Range<Int>?)
      let isWhole = places(elements[place]) { type, place in
        if type == NftNumber.Element.name { name = place } else if type == NftNumber.Element.data { data = place }
      }
      if isWhole, let name { body(elements[name], data.map { elements[$0] } ?? []) } else { isSound = false }
    }
    return isSound && isWhole
  }

  /// The comment in user data: records of a type, a length and a value; type 0 is a text with its NUL. The corresponding C function is
  /// `get_comment`.
  private static func comment(_ data: ArraySlice<UInt8>) -> [UInt8]? {
    var at = data.startIndex
    while data.endIndex - at >= 2 {
      let (type, length) = (data[at], Int(data[at + 1]))
      guard length <= data.endIndex - at - 2 else { return nil }
      if type == 0 { return Array(data[(at + 2)..<(at + 2 + length)].prefix { $0 != 0 }) }
      at += 2 + length
    }
    return nil
  }
}
