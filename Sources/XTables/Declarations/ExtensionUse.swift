/// One match or one extension target of a rule.
public struct ExtensionUse: Sendable, Hashable {
  /// The extension.
  public let descriptor: ExtensionDescriptor
  /// The structure of the newest revision, aligned, followed by data that the kernel's structure does not have, such as the name of
  /// a set.
  public let payload: [UInt8]
  /// The bytes of the structure only.
  public var kernelBytes: ArraySlice<UInt8> { payload.prefix(descriptor.size) }
  /// Whether the structure holds an address of the process that read a foreign extension's options, so that the kernel can't use it.
  public var holdsAddress: Bool { descriptor.isMeaningUnknown && payload.count > descriptor.size }

  /// Creates a use. `payload` has at least the structure's size.
  public init(_ descriptor: ExtensionDescriptor, payload: [UInt8]) {
    self.descriptor = descriptor
    self.payload = payload
  }

  /// Whether both uses have the same extension and payload. Two extensions of unknown meaning are the same if kind, kernel name,
  /// revision and size are equal.
  public static func == (left: ExtensionUse, right: ExtensionUse) -> Bool {
    (left.descriptor === right.descriptor || left.descriptor.describesSame(as: right.descriptor))
      && left.payload == right.payload
  }

  /// Hashes extension and payload consistently with `==`.
  public func hash(into hasher: inout Hasher) {
    if descriptor.isMeaningUnknown { hasher.combine(descriptor.kernelName) } else { hasher.combine(ObjectIdentifier(descriptor)) }
    hasher.combine(payload)
  }
}

/// What a rule does with the packets it matches.
public enum RuleTarget: Sendable, Hashable {
  /// No `-j`: the rule only counts.
  case none
  /// `-j ACCEPT`, `DROP`, `QUEUE` or `RETURN`.
  case verdict(StandardVerdict)
  /// `-j CHAIN`: returns to the next rule after the end of that chain.
  case jump(String)
  /// `-g CHAIN`: returns to where the calling chain returns.
  case goto(String)
  /// `-j NAME` of an extension target.
  case use(ExtensionUse)

  /// The user chain that the target jumps to.
  public var chain: String? {
    switch self {
    case .jump(let name), .goto(let name): name
    case .none, .verdict, .use: nil
    }
  }
}
