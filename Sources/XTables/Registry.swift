/// The matches and targets a parser, compiler or evaluator knows: a value, so that a test can pass a tiny one and an
/// embedder can add its own.
public struct Registry: Sendable {
  private var matches: [String: [ExtensionDescriptor]] = [:]
  private var targets: [String: [ExtensionDescriptor]] = [:]
  /// In the order they were added.
  public private(set) var all: [ExtensionDescriptor] = []
  /// Who is asked about names that are not declared.
  public var foreign: (any ForeignExtensions)?

  public init() {}

  public init(_ descriptors: some Sequence<ExtensionDescriptor>) {
    for descriptor in descriptors { add(descriptor) }
  }

  /// The same, with somebody to ask about names that are not declared.
  public func asking(_ foreign: any ForeignExtensions) -> Registry {
    var registry = self
    registry.foreign = foreign
    return registry
  }

  public mutating func add(_ descriptor: ExtensionDescriptor) {
    all.append(descriptor)
    for key in Set([descriptor.name, descriptor.kernelName] + descriptor.aliases) {
      switch descriptor.kind {
      case .match: matches[key, default: []].append(descriptor)
      case .target: targets[key, default: []].append(descriptor)
      }
    }
  }

  /// The match a user asks for by name.
  public func match(named name: String, _ family: Family) -> ExtensionDescriptor? { find(.match, named: name, family).descriptor }

  /// The target a user asks for by name.
  public func target(named name: String, _ family: Family) -> ExtensionDescriptor? { find(.target, named: name, family).descriptor }

  /// The extension a user asks for by name, declared or foreign, or what there is to say about its absence.
  public func find(_ kind: ExtensionDescriptor.Kind, named name: String, _ family: Family) -> ForeignAnswer {
    if let known = declared(kind, named: name, family) { return .found(known) }
    return foreign?.find(kind, named: name, revision: nil, family) ?? .absent(reason: nil)
  }

  /// The same among those that are declared.
  public func declared(_ kind: ExtensionDescriptor.Kind, named name: String, _ family: Family) -> ExtensionDescriptor? {
    (kind == .match ? matches : targets)[name]?.first { $0.answers(to: name) && $0.families.contains(family) }
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
    let isNameKnown = find(kind, named: kernelName, family).descriptor != nil
    return (
      ExtensionDescriptor(unknown: kind, named: kernelName, revision: revision, size: bytes.count, isNameKnown: isNameKnown), bytes
    )
  }

  private func decodeDeclared(
    _ kind: ExtensionDescriptor.Kind, kernelName: String, revision: UInt8, _ bytes: [UInt8], _ family: Family
  ) -> (descriptor: ExtensionDescriptor, payload: [UInt8])? {
    let candidates = (kind == .match ? matches : targets)[kernelName] ?? []
    var fallback: (ExtensionDescriptor, [UInt8])?
    for descriptor in candidates where descriptor.kernelName == kernelName && descriptor.families.contains(family) {
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
    all.filter { $0.kind == kind && $0.families.contains(family) }.map(\.name)
  }
}
