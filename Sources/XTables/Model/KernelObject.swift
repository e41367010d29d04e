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
  /// The kernel refuses the rule if there is no ipset of this number. The parser has asked the kernel for the number of the set that the
  /// text names.
  case needsSet(UInt16)
  /// Packets that meet the rule add elements to the ipset of this number or delete them.
  case changesSet(UInt16)
  /// The kernel creates the object if it does not exist.
  case makes(KernelObject)
}

extension Rule {
  /// The uses of kernel objects by the matches and the target, in their order.
  package var objectUses: [KernelObjectUse] {
    var uses = matches.flatMap { $0.descriptor.objects($0.payload) }
    if case .use(let use) = target { uses += use.descriptor.objects(use.payload) }
    return uses
  }

  /// The rule with other numbers of ipsets: those that the kernel gives to the same sets now.
  package func rebound(_ number: (UInt16) -> UInt16) -> Rule {
    var rule = self
    rule.matches = matches.map { $0.rebound(number) }
    if case .use(let use) = target { rule.target = .use(use.rebound(number)) }
    return rule
  }

  /// What the matches and the target need from programs and files outside the kernel, in their order.
  package var hostUses: [HostUse] {
    var uses = matches.flatMap { $0.descriptor.hostUses($0.payload) }
    if case .use(let use) = target { uses += use.descriptor.hostUses(use.payload) }
    return uses
  }

  /// Whether a match or the target has a property.
  package func has(_ trait: ExtensionTraits) -> Bool {
    if case .use(let use) = target, use.descriptor.traits.contains(trait) { return true }
    return matches.contains { $0.descriptor.traits.contains(trait) }
  }
}

extension ExtensionUse {
  fileprivate func rebound(_ number: (UInt16) -> UInt16) -> ExtensionUse {
    ExtensionUse(descriptor, payload: descriptor.rebind(payload, number))
  }
}
