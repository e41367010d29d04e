/// The list of all checks. A test fails if a check's file is not listed.
public enum CheckList {
  /// All checks, in the order of their codes.
  public static let all: [any Check.Type] = [
    UndefinedChainCheck.self,
    UnreferencedChainCheck.self,
    EmptyChainCheck.self,
    LoopCheck.self,
    UnreachableRuleCheck.self,
    WrongPlaceCheck.self,
    DuplicateRuleCheck.self,
    InvertedFullRangeCheck.self,
    UnterminatedQuoteCheck.self,
    InvertedWildcardCheck.self,
    ReversedRangeCheck.self,
    RepeatedTableCheck.self,
    ShadowedTargetCheck.self,
    HostBitsCheck.self,
    UnusedSuppressionCheck.self,
    ForeignExtensionCheck.self,
    WrappedNumberCheck.self,
    ExponentialWalkCheck.self,
    HelperProtocolCheck.self,
    ContradictoryRuleCheck.self,
    ImpossibleRuleCheck.self,
    ShadowedRuleCheck.self,
    RedundantRuleCheck.self,
    UnenteredChainCheck.self,
    IdleMatchCheck.self,
    ForeignICMPCheck.self,
    UnassignedHelperCheck.self,
  ]

  /// The check with a code, id or adopted id, ignoring case; nil if there is none.
  public static func named(_ name: String) -> (any Check.Type)? {
    let wanted = name.lowercased()
    return all.first { $0.code.lowercased() == wanted || $0.id == wanted || $0.adopts.contains(wanted) }
  }
}
