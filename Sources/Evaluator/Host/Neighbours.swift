public import Wire
public import XTables

/// Who answers for which address on a link. Kernel: `neighbour`.
public struct Neighbours: Sendable {
  private struct Key: Hashable {
    let address: IPAddress
    let interface: Interface
  }

  /// Nothing where nobody answers.
  private var addresses: [Key: MACAddress?] = [:]
  /// Whether those that are not listed do not answer where they would have to be asked for.
  public var areAll = false

  public init() {}

  public var isEmpty: Bool { addresses.isEmpty }

  /// - Parameter hardwareAddress: nothing where nobody answers for the address.
  public mutating func set(_ address: IPAddress, on interface: Interface, _ hardwareAddress: MACAddress?) {
    addresses[Key(address: address, interface: interface)] = .some(hardwareAddress)
  }

  public mutating func forget(_ address: IPAddress, on interface: Interface) { addresses[Key(address: address, interface: interface)] = nil }

  /// The outer nil is one that is not listed.
  func entry(_ address: IPAddress, on interface: Interface) -> MACAddress?? { addresses[Key(address: address, interface: interface)] }
}

extension Host {
  /// Where a frame for a neighbour goes; nothing where nobody answers for it.
  ///
  /// The corresponding kernel functions are `arp_constructor`, `ndisc_constructor` and `neigh_resolve_output`.
  func hardwareAddress(of hop: IPAddress, on output: Interface, _ link: HostLink) -> MACAddress? {
    if let group = link.hardwareAddress(ofGroup: hop) { return group }
    if !neighbours.isEmpty, let entry = neighbours.entry(hop, on: output) { return entry }
    guard neighbours.areAll, !link.hasNoARP else { return link.hardwareAddress }
    return addressType(hop, on: output) == .broadcast ? .broadcast : nil
  }
}
