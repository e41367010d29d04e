/// The matches and targets a parser, compiler or evaluator knows: a value, so that a test can pass a tiny one and an
/// embedder can add its own.
public struct Registry: Sendable {
  private var listings: [ExtensionListing] = []
  private var index = RegistryIndex()
  /// The targets that are not to be found, nor asked for elsewhere.
  private var hidden: Set<String> = []
  /// Who is asked about names that are not declared.
  public var foreign: (any ForeignExtensions)?

  public init() {}

  public init(_ listings: [ExtensionListing]) {
    for listing in listings { add(listing) }
  }

  /// The same, with somebody to ask about names that are not declared.
  public func asking(_ foreign: any ForeignExtensions) -> Registry {
    var registry = self
    registry.foreign = foreign
    return registry
  }

  /// The same without the targets of a name: once a file has declared a chain of that name, iptables-restore looks for no target.
  public func hidingTarget(named name: String) -> Registry {
    var registry = Registry(listings.filter { $0.kind != .target || $0.name != name && !$0.aliases.contains(name) })
    registry.foreign = foreign
    registry.hidden = hidden.union([name])
    return registry
  }

  /// In the order they were added.
  public var all: [ExtensionDescriptor] { listings.map(\.descriptor) }

  public mutating func add(_ listing: ExtensionListing) {
    listings.append(listing)
    index.add(listing)
  }

  /// The match a user asks for by name.
  public func match(named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    find(.match, named: name, family).descriptor
  }

  /// The target a user asks for by name.
  public func target(named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    find(.target, named: name, family).descriptor
  }

  public func match(named name: String, _ family: Family) -> ExtensionDescriptor? { match(named: ArraySlice(name.utf8), family) }

  public func target(named name: String, _ family: Family) -> ExtensionDescriptor? { target(named: ArraySlice(name.utf8), family) }

  /// The extension a user asks for by name, declared or foreign, or what there is to say about its absence.
  public func find(_ kind: ExtensionDescriptor.Kind, named name: ArraySlice<UInt8>, _ family: Family) -> ForeignAnswer {
    if let known = declared(kind, named: name, family) { return .found(known) }
    if kind == .target, !hidden.isEmpty, hidden.contains(String(decoding: name, as: UTF8.self)) { return .absent(reason: nil) }
    return foreign?.find(kind, named: String(decoding: name, as: UTF8.self), revision: nil, family) ?? .absent(reason: nil)
  }

  /// The same among those that are declared.
  public func declared(_ kind: ExtensionDescriptor.Kind, named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    index[kind, name].first { $0.answers(to: name) && $0.families.contains(family) }?.descriptor
  }

  /// The extension to which a structure in a blob belongs, together with the structure in its newest revision. One that
  /// nobody knows is kept as the bytes it is.
  public func decode(
    _ kind: ExtensionDescriptor.Kind, kernelName: String, revision: UInt8, _ bytes: [UInt8], _ family: Family
  ) -> (descriptor: ExtensionDescriptor, payload: [UInt8]) {
    if let known = decodeDeclared(kind, kernelName: kernelName, revision: revision, bytes, family) { return known }
    if let found = foreign?.find(kind, named: kernelName, revision: revision, family).descriptor, found.size == bytes.count {
      // Many extensions do not say how much of their structure is the user's; the kernel has zeroed what is its own.
      return (found, bytes)
    }
    let isNameKnown = find(kind, named: ArraySlice(kernelName.utf8), family).descriptor != nil
    return (
      ExtensionDescriptor(unknown: kind, named: kernelName, revision: revision, size: bytes.count, isNameKnown: isNameKnown), bytes
    )
  }

  private func decodeDeclared(
    _ kind: ExtensionDescriptor.Kind, kernelName: String, revision: UInt8, _ bytes: [UInt8], _ family: Family
  ) -> (descriptor: ExtensionDescriptor, payload: [UInt8])? {
    var fallback: (ExtensionDescriptor, [UInt8])?
    for listing in index[kind, ArraySlice(kernelName.utf8)]
    where listing.kernelName == kernelName && listing.families.contains(family) {
      let descriptor = listing.descriptor
      guard let layout = descriptor.layouts.first(where: { $0.revision == revision && $0.size == bytes.count }),
        let upgraded = layout.upgrade(bytes)
      else { continue }
      let payload = withoutKernelPart(upgraded, of: descriptor)
      if descriptor.name != kernelName {
        if descriptor.claims(payload) { return (descriptor, payload) }
      } else if descriptor.claims(payload), fallback == nil {
        fallback = (descriptor, payload)
      }
    }
    return fallback
  }

  /// What the kernel keeps for itself behind the user's part says nothing about the rule.
  private func withoutKernelPart(_ payload: [UInt8], of descriptor: ExtensionDescriptor) -> [UInt8] {
    var payload = payload
    for index in min(descriptor.userSize, payload.count)..<payload.count { payload[index] = 0 }
    return payload
  }

  /// The names of all matches, or all targets, of a family.
  public func names(_ kind: ExtensionDescriptor.Kind, _ family: Family) -> [String] {
    listings.filter { $0.kind == kind && $0.families.contains(family) }.map(\.name)
  }
}

/// Where the listings of a name are found. Every rule asks several times, by the bytes of a word.
private struct RegistryIndex: Sendable {
  /// Those whose name, kernel name or alias falls to this place; matches first, targets behind them.
  private var places = [[ExtensionListing]](repeating: [], count: 2 * width)
  private static let width = 128

  mutating func add(_ listing: ExtensionListing) {
    for word in Set([listing.name, listing.kernelName] + listing.aliases) {
      let place = Self.place(listing.kind, ArraySlice(word.utf8))
      if !places[place].contains(where: { $0 === listing }) { places[place].append(listing) }
    }
  }

  subscript(kind: ExtensionDescriptor.Kind, name: ArraySlice<UInt8>) -> [ExtensionListing] { places[Self.place(kind, name)] }

  private static func place(_ kind: ExtensionDescriptor.Kind, _ name: ArraySlice<UInt8>) -> Int {
    var hash: UInt32 = 2_166_136_261
    for byte in name { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int((hash >> 16 ^ hash) % UInt32(width)) + (kind == .match ? 0 : width)
  }
}
