/// The matches and targets a parser, compiler or evaluator knows: a value, so that a test can pass a tiny one and an
/// embedder can add its own.
public struct Registry: Sendable {
  private var matches: [String: [ExtensionDescriptor]] = [:]
  private var targets: [String: [ExtensionDescriptor]] = [:]
  /// In the order they were added.
  public private(set) var all: [ExtensionDescriptor] = []

  public init() {}

  public init(_ descriptors: some Sequence<ExtensionDescriptor>) {
    for descriptor in descriptors { add(descriptor) }
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
  public func match(named name: String, _ family: Family) -> ExtensionDescriptor? {
    matches[name]?.first { $0.answers(to: name) && $0.families.contains(family) }
  }

  /// The target a user asks for by name.
  public func target(named name: String, _ family: Family) -> ExtensionDescriptor? {
    targets[name]?.first { $0.answers(to: name) && $0.families.contains(family) }
  }

  /// The extension to which a structure in a blob belongs, together with the structure in its newest revision.
  public func decode(
    _ kind: ExtensionDescriptor.Kind, kernelName: String, revision: UInt8, _ bytes: [UInt8], _ family: Family
  ) -> (descriptor: ExtensionDescriptor, payload: [UInt8])? {
    let candidates = (kind == .match ? matches : targets)[kernelName] ?? []
    var fallback: (ExtensionDescriptor, [UInt8])?
    for descriptor in candidates where descriptor.kernelName == kernelName && descriptor.families.contains(family) {
      guard let layout = descriptor.layouts.first(where: { $0.revision == revision && $0.size == bytes.count }),
        var payload = layout.upgrade(bytes)
      else { continue }
      // What the kernel keeps for itself behind the user's part says nothing about the rule.
      for index in min(descriptor.userSize, payload.count)..<payload.count { payload[index] = 0 }
      if descriptor.name != kernelName {
        if descriptor.claims(payload) { return (descriptor, payload) }
      } else if descriptor.claims(payload), fallback == nil {
        fallback = (descriptor, payload)
      }
    }
    return fallback
  }

  /// The names of all matches, or all targets, of a family.
  public func names(_ kind: ExtensionDescriptor.Kind, _ family: Family) -> [String] {
    all.filter { $0.kind == kind && $0.families.contains(family) }.map(\.name)
  }
}
