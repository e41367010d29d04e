public import Wire

/// The matches and targets that a parser, compiler or evaluator knows. It is a value, so that a test can pass a small one and an
/// embedder can add extensions.
public struct Registry: Sendable {
  private var listings: [ExtensionListing] = []
  private var index = RegistryIndex()
  /// The names of targets that are not found, neither declared nor foreign.
  private var hidden: Set<String> = []
  /// Looks for names that are not declared; nil if nothing does.
  public var foreign: (any ForeignExtensions)?

  /// Creates an empty registry.
  public init() {}

  /// Creates a registry of the given extensions.
  public init(_ listings: [ExtensionListing]) {
    for listing in listings { add(listing) }
  }

  /// The same registry, which looks in `foreign` for names that are not declared.
  public func asking(_ foreign: any ForeignExtensions) -> Registry {
    var registry = self
    registry.foreign = foreign
    return registry
  }

  /// The same registry without targets of a name. iptables-restore does so after a file has declared a chain of that name.
  public func hidingTarget(named name: String) -> Registry {
    var registry = Registry(listings.filter { $0.kind != .target || $0.name != name && !$0.aliases.contains(name) })
    registry.foreign = foreign
    registry.hidden = hidden.union([name])
    return registry
  }

  /// The descriptors in the order in which they were added.
  public var all: [ExtensionDescriptor] { listings.map(\.descriptor) }

  /// The names and aliases, with dashes, of the options whose argument has a content. Names that another option has too are left out.
  public func optionNames(of content: OptionContent) -> Set<String> {
    var names: Set<String> = []
    var others: Set<String> = []
    for option in all.flatMap(\.options) {
      if option.content == content {
        names.formUnion([option.name] + option.aliases)
      } else {
        others.formUnion([option.name] + option.aliases)
      }
    }
    return names.subtracting(others)
  }

  /// The names of the matches and targets with a property.
  public func names(with traits: ExtensionTraits) -> Set<String> {
    Set(all.filter { $0.traits.isSuperset(of: traits) }.map(\.name))
  }

  /// The extensions of a family that iptables-nft writes in expressions of nf_tables.
  package func withNativeForm(_ family: Family) -> [ExtensionDescriptor] {
    listings.filter { $0.families.contains(family) && $0.hasNativeForm }.map(\.descriptor)
  }

  /// The match whose payload is only a remark; nil if there is none.
  package func remark(_ family: Family) -> ExtensionDescriptor? {
    listings.first { $0.kind == .match && $0.families.contains(family) && $0.traits.contains(.remark) }?.descriptor
  }

  /// Adds an extension behind the others.
  public mutating func add(_ listing: ExtensionListing) {
    listings.append(listing)
    index.add(listing)
  }

  /// The match with a name or alias, declared or foreign; nil if there is none.
  public func match(named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    find(.match, named: name, family).descriptor
  }

  /// The target with a name or alias, declared or foreign; nil if there is none.
  public func target(named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    find(.target, named: name, family).descriptor
  }

  /// The match with a name or alias, declared or foreign; nil if there is none.
  public func match(named name: String, _ family: Family) -> ExtensionDescriptor? { match(named: ArraySlice(name.utf8), family) }

  /// The target with a name or alias, declared or foreign; nil if there is none.
  public func target(named name: String, _ family: Family) -> ExtensionDescriptor? { target(named: ArraySlice(name.utf8), family) }

  /// The extension with a name or alias, declared or foreign, or the reason why there is none.
  public func find(_ kind: ExtensionDescriptor.Kind, named name: ArraySlice<UInt8>, _ family: Family) -> ForeignAnswer {
    if let known = declared(kind, named: name, family) { return .found(known) }
    if kind == .target, !hidden.isEmpty, hidden.contains(String(decoding: name, as: UTF8.self)) { return .absent(reason: nil) }
    return foreign?.find(kind, named: String(decoding: name, as: UTF8.self), revision: nil, family) ?? .absent(reason: nil)
  }

  /// The declared extension with a name or alias; nil if there is none.
  public func declared(_ kind: ExtensionDescriptor.Kind, named name: ArraySlice<UInt8>, _ family: Family) -> ExtensionDescriptor? {
    index[kind, name].first { $0.answers(to: name) && $0.families.contains(family) }?.descriptor
  }

  /// The extension of a structure in a blob, and the structure in its newest revision. An unknown structure is kept as bytes.
  public func decode(
    _ kind: ExtensionDescriptor.Kind, kernelName: String, revision: UInt8, _ bytes: [UInt8], _ family: Family
  ) -> (descriptor: ExtensionDescriptor, payload: [UInt8]) {
    if let known = decodeDeclared(kind, kernelName: kernelName, revision: revision, bytes, family) { return known }
    if let found = foreign?.find(kind, named: kernelName, revision: revision, family).descriptor, found.size == bytes.count {
      // Many extensions do not declare the size of the user's part; the kernel has zeroed its own part.
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

  /// Zeroes the kernel's part of a structure, which has no meaning in a rule.
  private func withoutKernelPart(_ payload: [UInt8], of descriptor: ExtensionDescriptor) -> [UInt8] {
    var payload = payload
    for index in min(descriptor.userSize, payload.count)..<payload.count { payload[index] = 0 }
    return payload
  }

  /// The names of all matches or all targets of a family, in the order in which they were added.
  public func names(_ kind: ExtensionDescriptor.Kind, _ family: Family) -> [String] {
    listings.filter { $0.kind == kind && $0.families.contains(family) }.map(\.name)
  }
}

/// Finds the listings of a name. Every rule looks up several names, given as bytes.
private struct RegistryIndex: Sendable {
  /// The listings by hash of name, kernel name and aliases: the matches first, then the targets.
  private var places = [[ExtensionListing]](repeating: [], count: 2 * width)
  private static let width = 128

  mutating func add(_ listing: ExtensionListing) {
    // Equal names have the same place, which holds the listing once. A set of the names would take a quarter of the instructions of a
    // short command such as `iptables -S`.
    for word in [listing.name, listing.kernelName] + listing.aliases {
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
