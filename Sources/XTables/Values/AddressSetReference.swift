import Wire

/// A set by the index the kernel gave it, and what of a packet is looked up in it: a bit for each dimension, set for the source.
///
/// The corresponding kernel structure is `xt_set_info`.
public struct AddressSetReference: BitwiseCopyable, Sendable, Hashable {
  public var index: UInt16 = AddressSetReference.noIndex
  public var dimension: UInt8 = 0
  public var flags: UInt8 = 0

  /// `IPSET_INVALID_ID`: the set is not known, and the kernel would refuse the rule.
  public static let noIndex: UInt16 = 0xffff
  /// `IPSET_INV_MATCH` and `IPSET_RETURN_NOMATCH`.
  public static let inverted: UInt8 = 0x01
  public static let nomatch: UInt8 = 0x80

  public init() {}

  /// Reads `name src,dst`, and asks for the set where somebody can tell.
  ///
  /// The corresponding C functions are `get_set_byname` and `parse_dirs`.
  public init(_ arguments: OptionArguments, directions: Token) throws(OptionError) {
    let name = arguments.token
    guard name.bytes.count < 32 else {
      throw OptionError("bad-value", "setname `\(name.string)' too long, max 31 characters.", at: name.range)
    }
    switch arguments.names.addressSet(name.string) {
    case .unknown: break
    case .missing:
      throw OptionError(
        "unknown-set", "Set \(name.string) doesn't exist.", at: name.range, hint: "make it first: ipset create \(name.string) hash:ip")
    case .found(let index, let family):
      if let family, family != arguments.draft.family {
        throw OptionError(
          "unknown-set",
          "The protocol family of set \(name.string) is \(family == .ipv4 ? "IPv4" : "IPv6"), which is not applicable.",
          at: name.range)
      }
      self.index = index
    }
    for part in directions.split(on: ",") {
      guard dimension < 6 else {
        throw OptionError("too-many-values", "Can't be more src/dst options than 6.", at: directions.range)
      }
      dimension += 1
      if part.starts(with: "src") {
        flags |= 1 << dimension
      } else if !part.starts(with: "dst") {
        throw OptionError(
          "bad-value", "You must spefify (the comma separated list of) 'src' or 'dst'.", at: directions.range)
      }
    }
  }

  /// Prints name and directions; a set known by its index only is asked for its name.
  public func print<let capacity: Int>(_ name: FixedName<capacity>, to text: inout RuleText) {
    text.word(name.bytes.isEmpty ? text.names.addressSetName(index) ?? "#\(index)" : name.string)
    let directions = (1...6).prefix(Int(dimension)).map { flags >> UInt8($0) & 1 == 1 ? "src" : "dst" }
    if !directions.isEmpty { text.word(directions.joined(separator: ",")) }
  }
}
