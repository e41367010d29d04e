public import Wire

/// Expectations, and the helpers that add them.
extension ConntrackTable {
  /// Adds an expectation. Renews an expectation of the same master and tuple. If the policy's maximum is reached, the master's
  /// oldest expectation of the class is removed. The corresponding kernel function is `nf_ct_expect_related`.
  /// - Parameter ofAnyMaster: throws `.already` if any other master has an equal expectation. Kernel: `NF_CT_EXP_F_SKIP_MASTER`.
  @discardableResult
  public func expect(
    _ expectation: Expectation, ofAnyMaster: Bool = false, now: Instant
  ) throws(ExpectationError) -> ExpectationHandle {
    try core.expect(expectation, ofAnyMaster: ofAnyMaster, now: now)
  }

  /// Removes an expectation. The corresponding kernel function is `nf_ct_unexpect_related`.
  public func unexpect(_ handle: ExpectationHandle, now: Instant) { core.removeExpectation(handle, now: now) }

  /// Changes an expectation in place, to activate it or to renew its timeout.
  public func change(_ handle: ExpectationHandle, _ change: (inout Expectation) -> Void) {
    guard var expectation = core.expectations[handle] else { return }
    change(&expectation)
    core.expectations.change(handle) { $0 = expectation }
  }

  /// The expectation of a handle; nil if it is gone.
  public func expectation(_ handle: ExpectationHandle) -> Expectation? { core.expectations[handle] }

  /// The expectations of a master, oldest first.
  public func expectations(of handle: ConnectionHandle) -> [ExpectationHandle] { core.expectations(of: handle) }

  /// The live expectation that a tuple would fulfil; it is not removed. The corresponding kernel function is `__nf_ct_expect_find`.
  public func findExpectation(_ tuple: Tuple, zone: Zone, now: Instant) -> ExpectationHandle? {
    core.findExpectation(tuple, zone: zone, now: now)
  }

  /// Every live expectation in the order of creation, as `conntrack -L expect` lists them.
  public func dumpExpectations(now: Instant) -> [ExpectationSnapshot] { core.dumpExpectations(now: now) }

  /// Registers every helper of this module, under its usual port.
  public func registerStandardHelpers() {
    for helper in Self.standardHelpers { register(helper) }
  }

  /// Every helper of this module, under its usual port.
  public static var standardHelpers: [any ConntrackHelper] {
    var helpers: [any ConntrackHelper] = []
    for family in Family.allCases {
      helpers += [FTPHelper(family: family), TFTPHelper(family: family), SANEHelper(family: family), AmandaHelper(family: family)]
      helpers += [SIPHelper(family: family, proto: .udp), SIPHelper(family: family, proto: .tcp)]
      helpers += [Q931Helper(family: family), H245Helper(family: family), RASHelper(family: family)]
    }
    return helpers + [IRCHelper(), PPTPHelper(), BroadcastHelper.netbios, BroadcastHelper.snmp, SNMPTrapHelper()]
  }

  /// Registers a helper. Replaces an earlier helper of the same name, family, protocol and port.
  @discardableResult
  public func register(_ helper: any ConntrackHelper) -> HelperID { core.register(helper) }

  /// The helper of a name for a family and protocol; nil if there is none. The corresponding kernel function is
  /// `nf_conntrack_helper_try_module_get`.
  public func helper(named name: String, _ family: Family, _ proto: IPProtocol) -> HelperID? {
    core.helper(named: name, family, proto)
  }
}
