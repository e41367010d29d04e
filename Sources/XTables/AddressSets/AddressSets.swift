import Wire

/// The ipsets of a network namespace, by index and by name.
public final class AddressSets {
  /// In the order in which they were made, which is that of their indices.
  public private(set) var all: [AddressSet] = []
  private var places: [String: Int] = [:]

  public init() {}

  public subscript(name: String) -> AddressSet? { places[name].map { all[$0] } }

  public subscript(index: UInt16) -> AddressSet? { all.indices.contains(Int(index)) ? all[Int(index)] : nil }

  public func index(of name: String) -> UInt16? { places[name].flatMap { UInt16(exactly: $0) } }

  /// False where a set of that name is there already.
  public func add(_ set: AddressSet) -> Bool {
    guard places[set.name] == nil, all.count < 65535 else { return false }
    places[set.name] = all.count
    all.append(set)
    return true
  }

  public func update(_ name: String, _ change: (inout AddressSet) -> Void) {
    if let place = places[name] { change(&all[place]) }
  }

  /// Names that know these sets, and all else as `base` does.
  public func names(over base: NameDatabase) -> NameDatabase {
    let known = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.name, (UInt16($0), $1.family)) })
    let names = all.map(\.name)
    return base.with(
      addressSet: { name in known[name].map { .found($0.0, $0.1) } ?? .missing },
      addressSetName: { names.indices.contains(Int($0)) ? names[Int($0)] : nil })
  }
}
