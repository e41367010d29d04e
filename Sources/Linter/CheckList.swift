/// All checks, by code; a test finds a check's file that is not listed.
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
  ]

  /// The check of a code or an id, in any case of letters.
  public static func named(_ name: String) -> (any Check.Type)? {
    let wanted = name.lowercased()
    return all.first { $0.code.lowercased() == wanted || $0.id == wanted || $0.adopts.contains(wanted) }
  }
}
