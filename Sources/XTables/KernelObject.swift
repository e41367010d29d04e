/// A named object of the kernel outside the tables that rules share.
public enum KernelObject: Sendable, Hashable {
  /// Created by `nfacct add`; it exists independently of rules. The corresponding kernel structure is `nf_acct`.
  case accountingObject(String)
  /// Created by the first rule with `-j RATEEST` of its name, and deleted with the last one. The corresponding kernel structure is
  /// `xt_rateest`.
  case rateEstimator(String)
  /// A helper of connection tracking for the protocol of the rule. The corresponding kernel structure is `nf_conntrack_helper`.
  case conntrackHelper(String)
}

/// How a match or target uses a kernel object when the rule is loaded.
public enum KernelObjectUse: Sendable, Hashable {
  /// The kernel refuses the rule if the object does not exist.
  case needs(KernelObject)
  /// The kernel creates the object if it does not exist.
  case makes(KernelObject)
}
