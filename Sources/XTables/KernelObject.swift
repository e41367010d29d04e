/// Something that lives in the kernel beside the tables and that rules share by its name.
public enum KernelObject: Sendable, Hashable {
  /// Made by `nfacct add`, and there whether a rule counts with it or not. The corresponding kernel structure is `nf_acct`.
  case accountingObject(String)
  /// Made by the first rule with `-j RATEEST` of its name, and there as long as one is. The corresponding kernel structure is
  /// `xt_rateest`.
  case rateEstimator(String)
}

/// What a part of a rule asks of the objects, or does to them, when the kernel takes the rule.
public enum KernelObjectUse: Sendable, Hashable {
  /// The rule is refused where the object is not there.
  case needs(KernelObject)
  /// The object is made, where there is none.
  case makes(KernelObject)
}
