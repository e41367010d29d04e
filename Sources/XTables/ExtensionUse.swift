/// One match or one extension target as it stands in a rule.
public struct ExtensionUse: Sendable, Hashable {
  public let descriptor: ExtensionDescriptor
  /// The structure of the newest revision, aligned, and behind it what an extension knows beyond that: the name of a set.
  public let payload: [UInt8]
  /// The structure alone.
  public var kernelBytes: ArraySlice<UInt8> { payload.prefix(descriptor.size) }

  public init(_ descriptor: ExtensionDescriptor, payload: [UInt8]) {
    self.descriptor = descriptor
    self.payload = payload
  }

  public static func == (left: ExtensionUse, right: ExtensionUse) -> Bool {
    (left.descriptor === right.descriptor || left.descriptor.describesSame(as: right.descriptor))
      && left.payload == right.payload
  }

  public func hash(into hasher: inout Hasher) {
    if descriptor.isMeaningUnknown { hasher.combine(descriptor.kernelName) } else { hasher.combine(ObjectIdentifier(descriptor)) }
    hasher.combine(payload)
  }
}

/// What a rule does with the packets it matches.
public enum RuleTarget: Sendable, Hashable {
  /// No `-j`: the rule only counts.
  case none
  case verdict(StandardVerdict)
  /// `-j CHAIN`: comes back after the chain's end.
  case jump(String)
  /// `-g CHAIN`: comes back where the calling chain would.
  case goto(String)
  case use(ExtensionUse)

  /// The user chain the rule leads to.
  public var chain: String? {
    switch self {
    case .jump(let name), .goto(let name): name
    case .none, .verdict, .use: nil
    }
  }
}
