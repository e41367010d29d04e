import Wire

/// The ipsets of a network namespace, by index and by name.
public final class AddressSets {
  /// The sets in the order of their indices, which is the order of their creation.
  public private(set) var all: [AddressSet] = []
  private var places: [String: Int] = [:]

  /// Creates a namespace without sets.
  public init() {}

  /// The set with a name; nil if there is none.
  public subscript(name: String) -> AddressSet? { places[name].map { all[$0] } }

  /// The set with an index; nil if there is none.
  public subscript(index: UInt16) -> AddressSet? { all.indices.contains(Int(index)) ? all[Int(index)] : nil }

  /// The index of the set with a name; nil if there is none.
  public func index(of name: String) -> UInt16? { places[name].flatMap { UInt16(exactly: $0) } }

  /// Adds a set. Returns false if a set of that name exists, or there are 65,535 sets.
  public func add(_ set: AddressSet) -> Bool {
    guard places[set.name] == nil, all.count < 65535 else { return false }
    places[set.name] = all.count
    all.append(set)
    return true
  }

  /// Changes the set with a name, if there is one.
  public func update(_ name: String, _ change: (inout AddressSet) -> Void) {
    if let place = places[name] { change(&all[place]) }
  }

  /// A name database with these sets, and all other names of `base`.
  public func names(over base: NameDatabase) -> NameDatabase {
    let known = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.name, (UInt16($0), $1.family)) })
    let names = all.map(\.name)
    return base.with(
      addressSet: { name in known[name].map { .found($0.0, $0.1) } ?? .missing },
      addressSetName: { names.indices.contains(Int($0)) ? names[Int($0)] : nil })
  }
}
