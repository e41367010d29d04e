import Diagnostics
import Wire

/// The reason why a text of ipsets could not be read.
public struct AddressSetError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line number, from 1.
  public let line: Int
  /// What is wrong in the line.
  public let reason: String

  /// `line N: reason`.
  public var description: String { "line \(line): \(reason)" }
}

extension AddressSets {
  /// Reads the output of `ipset save`, which is the input of `ipset restore` (lines that create sets and add elements), or that of
  /// `ipset list`.
  ///
  /// - Parameters:
  ///   - now: the current time in nanoseconds; remaining timeouts count from it.
  ///   - names: the names of protocols and services.
  ///   - isWhole: false if the members of a list need not be in the text.
  /// - Throws: the first line that cannot be read.
  public convenience init(
    saved text: String, now: UInt64 = 0, names: NameDatabase = .builtin, isWhole: Bool = true
  ) throws(AddressSetError) {
    self.init()
    var spare = Limits.rangedSetElements
    let saved = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().lazy.map { (number: $0 + 1, text: $1) }
    for (number, line) in try AddressSetListing.savedLines(of: text) ?? Array(saved) {
      var reader = AddressSetReader(line: number, words: Self.words(line), now: now, names: names)
      guard let command = reader.next(), !command.hasPrefix("#"), command != "COMMIT" else { continue }
      switch command {
      case "create", "-N", "--create":
        let set = try reader.create()
        guard add(set) else { throw reader.error("set \(set.name) exists already") }
      case "add", "-A", "--add": try reader.add(to: self, spare: &spare, isWhole: isWhole)
      default:
        if let other = PrintedText(Array(text.utf8)), other != .addressSets {
          throw reader.error("\(other.title), and not `ipset save': \(other.advice)")
        }
        throw reader.error("`\(command)' is neither create nor add")
      }
    }
  }

  /// The words of a line. A word in double quotes, such as a comment, may have blanks.
  private static func words(_ line: Substring) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for letter in line {
      if letter == "\"" {
        isQuoted.toggle()
      } else if !isQuoted, letter == " " || letter == "\t" || letter == "\r" {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(letter)
      }
    }
    return word.isEmpty ? words : words + [word]
  }
}

/// Reads one line of saved sets, word by word.
private struct AddressSetReader {
  let line: Int
  let words: [String]
  let now: UInt64
  let names: NameDatabase
  private var at = 0

  init(line: Int, words: [String], now: UInt64, names: NameDatabase) {
    (self.line, self.words, self.now, self.names) = (line, words, now, names)
  }

  func error(_ reason: String) -> AddressSetError { AddressSetError(line: line, reason: reason) }

  mutating func next() -> String? {
    guard at < words.count else { return nil }
    at += 1
    return words[at - 1]
  }

  private mutating func word(_ what: String) throws(AddressSetError) -> String {
    guard let word = next() else { throw error("\(what) is missing") }
    return word
  }

  private mutating func number(_ what: String, upTo most: UInt64 = UInt64(UInt32.max)) throws(AddressSetError) -> UInt64 {
    let text = try word(what)
    guard let number = UnsignedText.parse(ArraySlice(text.utf8)), number <= most else {
      throw error("\(what): `\(text)' is not a valid value")
    }
    return number
  }

  // MARK: Sets

  mutating func create() throws(AddressSetError) -> AddressSet {
    let name = try word("the set's name")
    let typeName = try word("the set's type")
    guard let type = AddressSetType(typeName) else { throw error("there is no type \(typeName)") }
    let options = Array(words[at...])
    let hasAddresses = type.dimensions.contains(.address) || type.dimensions.contains(.network)
    let isIPv6 = options.firstIndex(of: "family").map { $0 + 1 < options.count && options[$0 + 1] == "inet6" } ?? false
    var set = AddressSet(name: name, type: type, family: hasAddresses ? isIPv6 ? .ipv6 : .ipv4 : nil)
    if type.isList { set.capacity = .max }
    while let option = next() { try readOption(option, of: &set) }
    return set
  }

  private mutating func readOption(_ option: String, of set: inout AddressSet) throws(AddressSetError) {
    switch option {
    case "hashsize", "size": set.size = UInt32(try number(option))
    case "family", "bucketsize", "initval", "gc": _ = try word(option)
    case "maxelem": set.capacity = Int(try number(option))
    case "timeout": set.timeout = UInt32(try number(option))
    case "counters": set.countsPackets = true
    case "comment": set.keepsComments = true
    case "skbinfo": set.carriesPacketInfo = true
    case "forceadd": set.forcesAdding = true
    case "markmask": set.markMask = UInt32(try number(option))
    case "netmask":
      set.mask = AddressMask.mask(prefix: Int(try number(option, upTo: UInt64(set.family?.addressBits ?? 32))), set.family ?? .ipv4)
    case "bitmask":
      let text = try word(option)
      guard let mask = IPAddress(text) else { throw error("bitmask: `\(text)' is not an address") }
      set.mask = mask.bits
    case "range":
      let text = try word(option)
      set.range = try set.type.dimensions[0] == .port ? ports(text) : addresses(text, set.family ?? .ipv4).range
    default: throw error("`\(option)' is not an option of a set")
    }
  }

  // MARK: Elements

  /// - Parameter spare: how many more elements networks and ranges may expand to.
  mutating func add(to sets: AddressSets, spare: inout Int, isWhole: Bool) throws(AddressSetError) {
    let name = try word("the set's name")
    guard let set = sets[name] else { throw error("there is no set \(name)") }
    let text = try word("the element")
    if set.type.isList {
      let member = sets[text]
      guard member != nil || !isWhole else { throw error("there is no set \(text)") }
      // The kernel answers IPSET_ERR_LOOP.
      guard member?.type.isList != true else { throw error("`\(text)' is a list:set, which cannot be an element of \(name)") }
      let (entry, comment) = try entry(of: set)
      return sets.update(name) { set in
        set.members.append(AddressSet.Member(text, entry))
        if let comment { set.comment([.set(text)], comment) }
      }
    }
    let elements = try elements(text, of: set)
    spare -= elements.count - 1
    guard spare >= 0 else { throw error("networks and ranges expand to more than \(Limits.rangedSetElements) elements") }
    let (entry, comment) = try entry(of: set)
    var isFull = false
    sets.update(name) { set in
      for element in elements {
        if !set.insert(element, entry) { isFull = true }
        if let comment { set.comment(element, comment) }
      }
    }
    if isFull { throw error("the set \(name) is full") }
  }

  /// Reads the options after an element.
  private mutating func entry(of set: AddressSet) throws(AddressSetError) -> (entry: AddressSet.Entry, comment: String?) {
    var entry = AddressSet.Entry()
    if let timeout = set.timeout, timeout > 0 { entry.expires = now &+ UInt64(timeout) &* 1_000_000_000 }
    var comment: String?
    while let option = next() { try readOption(option, of: &entry, &comment) }
    return (entry, comment)
  }

  private mutating func readOption(
    _ option: String, of entry: inout AddressSet.Entry, _ comment: inout String?
  ) throws(AddressSetError) {
    switch option {
    case "timeout":
      let seconds = try number(option)
      entry.expires = seconds == 0 ? nil : now &+ seconds &* 1_000_000_000
    case "packets": entry.packets = try number(option, upTo: .max)
    case "bytes": entry.bytes = try number(option, upTo: .max)
    case "nomatch": entry.isException = true
    case "comment":
      let text = try word(option)
      // IPSET_MAX_COMMENT_SIZE.
      guard text.utf8.count <= 255 else { throw error("the comment has more than 255 bytes") }
      comment = text
    case "wildcard": entry.isWildcard = true
    case "skbmark":
      let parts = try word(option).split(separator: "/")
      let values = parts.compactMap { UnsignedText.parse(ArraySlice($0.utf8)).flatMap { UInt32(exactly: $0) } }
      guard values.count == parts.count, let mark = values.first else { throw error("the value of skbmark is not a mark") }
      (entry.mark, entry.markMask) = (mark, values.count > 1 ? values[1] : .max)
    case "skbprio":
      let parts = try word(option).split(separator: ":")
      let values = parts.compactMap { UInt32($0, radix: 16) }
      guard parts.count == 2, values.count == 2 else { throw error("the value of skbprio is not a class") }
      entry.priority = values[0] << 16 | values[1] & 0xffff
    case "skbqueue": entry.queue = UInt16(try number(option, upTo: 65535))
    default: throw error("`\(option)' is not an option of an element")
    }
  }

  /// One element, or all elements of a range.
  private func elements(_ text: String, of set: AddressSet) throws(AddressSetError) -> [[AddressSetValue]] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == set.type.dimensions.count else { throw error("`\(text)' must have \(set.type.dimensions.count) parts") }
    var found: [[AddressSetValue]] = [[]]
    for (part, dimension) in zip(parts, set.type.dimensions) {
      let values = try values(part, dimension, of: set)
      guard found.count * values.count <= 1 << 20 else { throw error("`\(text)' expands to too many elements") }
      found = found.flatMap { head in values.map { head + [$0] } }
    }
    return found
  }

  private func values(
    _ part: Substring, _ dimension: AddressSetType.Dimension, of set: AddressSet
  ) throws(AddressSetError) -> [AddressSetValue] {
    let family = set.family ?? .ipv4
    switch dimension {
    case .address:
      let (range, prefix) = try addresses(part, family)
      guard prefix == family.addressBits || range.upperBound - range.lowerBound < 1 << 20 else {
        throw error("`\(part)' expands to too many elements")
      }
      return stride(from: UInt128(0), through: range.upperBound - range.lowerBound, by: 1).map {
        .network((range.lowerBound + $0) & set.mask, prefix: family.addressBits)
      }
    case .network:
      let (range, prefix) = try addresses(part, family)
      guard let prefix else { return networks(range, family) }
      return [.network(range.lowerBound, prefix: prefix)]
    case .port: return try protocolPorts(part, of: set)
    case .hardwareAddress:
      guard let address = MACAddress(part) else { throw error("`\(part)' is not a MAC address") }
      return [.hardwareAddress(address.rawValue)]
    // No rule of iptables can match an element with `physdev:` before its interface.
    case .interface: return [.interface(String(part))]
    case .mark:
      guard let mark = UnsignedText.parse(ArraySlice(part.utf8)), mark <= UInt64(UInt32.max) else { throw error("`\(part)' is not a mark") }
      return [.mark(UInt32(mark) & set.markMask)]
    case .set: return [.set(String(part))]
    }
  }

  /// An address, a network or a range. The prefix length is nil for a range.
  private func addresses(
    _ text: some StringProtocol, _ family: Family
  ) throws(AddressSetError) -> (range: ClosedRange<UInt128>, prefix: Int?) {
    let whole = AddressMask.mask(prefix: family.addressBits, family)
    let ends = text.split(separator: "-", maxSplits: 1)
    let parts = text.split(separator: "/", maxSplits: 1)
    if ends.count == 2, let low = IPAddress(ends[0]), let high = IPAddress(ends[1]), low.family == family, high.family == family,
      low.bits <= high.bits
    {
      return (low.bits...high.bits, nil)
    }
    guard let first = parts.first, let address = IPAddress(first), address.family == family else {
      throw error("`\(text)' is not an address")
    }
    let prefix = parts.count == 2 ? Int(parts[1]) : family.addressBits
    guard let prefix, (0...family.addressBits).contains(prefix) else { throw error("`\(text)' has an invalid prefix length") }
    let mask = AddressMask.mask(prefix: prefix, family)
    return (address.bits & mask...(address.bits & mask | whole & ~mask), prefix)
  }

  /// The smallest list of networks that covers a range.
  private func networks(_ range: ClosedRange<UInt128>, _ family: Family) -> [AddressSetValue] {
    var networks: [AddressSetValue] = []
    var at = range.lowerBound
    while at <= range.upperBound {
      var prefix = family.addressBits
      while prefix > 0 {
        let wider = AddressMask.mask(prefix: prefix - 1, family)
        let host = AddressMask.mask(prefix: family.addressBits, family) & ~wider
        guard at & host == 0, at | host <= range.upperBound else { break }
        prefix -= 1
      }
      networks.append(.network(at, prefix: prefix))
      let last = at | (AddressMask.mask(prefix: family.addressBits, family) & ~AddressMask.mask(prefix: prefix, family))
      guard last < range.upperBound else { break }
      at = last + 1
    }
    return networks
  }

  /// Reads `80`, `tcp:80`, `udp:53-60`, `icmp:8/0`, `vrrp:0`.
  private func protocolPorts(_ text: Substring, of set: AddressSet) throws(AddressSetError) -> [AddressSetValue] {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else {
      let number: UInt8 = set.type.method == "bitmap" ? 0 : 6
      return try ports(String(text)).map { .port(proto: number, number: UInt16($0)) }
    }
    let name = parts[0].lowercased()
    let number = UInt8(name) ?? BuiltinProtocol.number(name) ?? names.protocolNumber(name)
    guard let number else { throw error("`\(parts[0])' is not a protocol") }
    if number == 1 || number == 58 { return [.port(proto: number, number: try icmp(String(parts[1]), number))] }
    return try ports(String(parts[1])).map { .port(proto: number, number: UInt16($0)) }
  }

  private func icmp(_ text: String, _ number: UInt8) throws(AddressSetError) -> UInt16 {
    let parts = text.split(separator: "/").compactMap { UInt8($0) }
    if parts.count == 2 { return UInt16(parts[0]) << 8 | UInt16(parts[1]) }
    let known: [(String, UInt8, UInt16)] = [
      ("echo-reply", 1, 0), ("pong", 1, 0), ("echo-request", 1, 0x800), ("ping", 1, 0x800), ("network-unreachable", 1, 0x300),
      ("host-unreachable", 1, 0x301), ("protocol-unreachable", 1, 0x302), ("port-unreachable", 1, 0x303),
      ("fragmentation-needed", 1, 0x304), ("ttl-zero-during-transit", 1, 0xb00), ("ttl-exceeded", 1, 0xb00),
      ("echo-request", 58, 0x8000), ("ping", 58, 0x8000), ("echo-reply", 58, 0x8100), ("pong", 58, 0x8100), ("no-route", 58, 0x100),
      ("address-unreachable", 58, 0x103), ("port-unreachable", 58, 0x104), ("packet-too-big", 58, 0x200),
    ]
    if let found = known.first(where: { $0.0 == text && $0.1 == number }) { return found.2 }
    throw error("`\(text)' is not an ICMP type and code")
  }

  private func ports(_ text: String) throws(AddressSetError) -> ClosedRange<UInt128> {
    let ends = text.split(separator: "-", maxSplits: 1).map { UInt16($0) ?? names.port(String($0), nil) }
    guard let low = ends.first ?? nil, let high = ends.last ?? nil, low <= high else { throw error("`\(text)' is not a port") }
    return UInt128(low)...UInt128(high)
  }
}
