import Wire

/// The index of an ipset, and the dimensions of the look-up: one bit for each dimension, set for the packet's source.
///
/// The corresponding kernel structure is `xt_set_info`.
public struct AddressSetReference: BitwiseCopyable, Sendable, Hashable {
  /// The index that the kernel gave to the set.
  public var index: UInt16 = AddressSetReference.noIndex
  /// The number of dimensions, from 1 to 6.
  public var dimension: UInt8 = 0
  /// Bit N is set if dimension N (from 1) is the source; bit 0 and bit 7 are ``inverted`` and ``nomatch``.
  public var flags: UInt8 = 0

  /// `IPSET_INVALID_ID`: the set is unknown, and the kernel would refuse the rule.
  public static let noIndex: UInt16 = 0xffff
  /// `IPSET_INV_MATCH`: the match is inverted.
  public static let inverted: UInt8 = 0x01
  /// `IPSET_RETURN_NOMATCH`: exceptions match, other elements do not.
  public static let nomatch: UInt8 = 0x80

  /// Creates a reference to no set.
  public init() {}

  /// Parses `name src,dst`, and looks up the set if the name database has sets.
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
        "unknown-set", "Set \(name.string) doesn't exist.", at: name.range, hint: "create it first: ipset create \(name.string) hash:ip")
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

  /// Prints name and directions. If the name is empty, it is looked up by the index.
  public func print<let capacity: Int>(_ name: FixedName<capacity>, to text: inout RuleText) {
    text.word(name.bytes.isEmpty ? text.names.addressSetName(index) ?? "#\(index)" : name.string)
    let directions = (1...6).prefix(Int(dimension)).map { flags >> UInt8($0) & 1 == 1 ? "src" : "dst" }
    if !directions.isEmpty { text.word(directions.joined(separator: ",")) }
  }
}
