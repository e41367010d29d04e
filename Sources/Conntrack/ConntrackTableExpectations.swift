public import Wire

/// Expected connections, and the helpers that expect them.
extension ConntrackTable {
  /// Expects a connection. One of the same master and tuple is renewed; when the policy's number is reached, the master's oldest of the
  /// class gives way. The corresponding kernel function is `nf_ct_expect_related`.
  /// - Parameter ofAnyMaster: what another master expects already is not expected again. Kernel: `NF_CT_EXP_F_SKIP_MASTER`.
  @discardableResult
  public func expect(
    _ expectation: Expectation, ofAnyMaster: Bool = false, now: Instant
  ) throws(ExpectationError) -> ExpectationHandle {
    try core.expect(expectation, ofAnyMaster: ofAnyMaster, now: now)
  }

  /// Takes an expectation back. The corresponding kernel function is `nf_ct_unexpect_related`.
  public func unexpect(_ handle: ExpectationHandle, now: Instant) { core.removeExpectation(handle, now: now) }

  /// Replaces an expectation in place, to activate it or to renew its time.
  public func change(_ handle: ExpectationHandle, _ change: (inout Expectation) -> Void) {
    guard var expectation = core.expectations[handle] else { return }
    change(&expectation)
    core.expectations.change(handle) { $0 = expectation }
  }

  /// The expectation of a handle; nil if it is gone.
  public func expectation(_ handle: ExpectationHandle) -> Expectation? { core.expectations[handle] }

  /// The expectations of a master, oldest first.
  public func expectations(of handle: ConnectionHandle) -> [ExpectationHandle] { core.expectations(of: handle) }

  /// The live expectation that a tuple would fulfil, left where it is. The corresponding kernel function is `__nf_ct_expect_find`.
  public func findExpectation(_ tuple: Tuple, zone: Zone, now: Instant) -> ExpectationHandle? {
    core.findExpectation(tuple, zone: zone, now: now)
  }

  /// Every live expectation, in the order they were made, as `conntrack -L expect` would list them.
  public func dumpExpectations(now: Instant) -> [ExpectationSnapshot] { core.dumpExpectations(now: now) }

  /// Registers every helper that is known here, under its usual port.
  public func registerStandardHelpers() {
    for family in AddressFamily.allCases {
      register(FTPHelper(family: family))
      register(TFTPHelper(family: family))
      register(SANEHelper(family: family))
      register(AmandaHelper(family: family))
      register(SIPHelper(family: family, proto: .udp))
      register(SIPHelper(family: family, proto: .tcp))
      register(Q931Helper(family: family))
      register(H245Helper(family: family))
      register(RASHelper(family: family))
    }
    register(IRCHelper())
    register(PPTPHelper())
    register(BroadcastHelper.netbios)
    register(BroadcastHelper.snmp)
    register(SNMPTrapHelper())
  }

  /// Registers a helper. Of two of one name, family, protocol and port the later one counts.
  @discardableResult
  public func register(_ helper: any ConntrackHelper) -> HelperID { core.register(helper) }

  /// The helper of a name for connections of a family and protocol; nil when there is none. The corresponding kernel function is
  /// `nf_conntrack_helper_try_module_get`.
  public func helper(named name: String, _ family: AddressFamily, _ proto: IPProtocol) -> HelperID? {
    core.helper(named: name, family, proto)
  }
}
