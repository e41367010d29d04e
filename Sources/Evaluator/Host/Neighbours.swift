public import Wire
public import XTables

/// The neighbour table: hardware addresses by interface and IP address. Kernel: `neighbour`.
public struct Neighbours: Sendable {
  private struct Key: Hashable {
    let address: IPAddress
    let interface: Interface
  }

  /// A nil value means that no neighbour answers for the address.
  private var addresses: [Key: MACAddress?] = [:]
  /// True if the list is complete: an unlisted address that must be resolved does not answer.
  public var areAll = false

  /// Creates an empty table.
  public init() {}

  /// True if the table has no entries.
  public var isEmpty: Bool { addresses.isEmpty }

  /// Sets an entry.
  ///
  /// - Parameter hardwareAddress: nil if no neighbour answers for the address.
  public mutating func set(_ address: IPAddress, on interface: Interface, _ hardwareAddress: MACAddress?) {
    addresses[Key(address: address, interface: interface)] = .some(hardwareAddress)
  }

  /// Removes an entry, so that the address is unlisted.
  public mutating func forget(_ address: IPAddress, on interface: Interface) {
    addresses[Key(address: address, interface: interface)] = nil
  }

  /// The entry of an address. The outer nil means unlisted, the inner one that no neighbour answers.
  func entry(_ address: IPAddress, on interface: Interface) -> MACAddress?? { addresses[Key(address: address, interface: interface)] }
}

extension Host {
  /// The destination of frames to a neighbour; nil if the neighbour does not answer.
  ///
  /// The corresponding kernel functions are `arp_constructor`, `ndisc_constructor` and `neigh_resolve_output`.
  func hardwareAddress(of hop: IPAddress, on output: Interface, _ link: HostLink) -> MACAddress? {
    if let group = link.hardwareAddress(ofGroup: hop) { return group }
    if !neighbours.isEmpty, let entry = neighbours.entry(hop, on: output) { return entry }
    guard neighbours.areAll, !link.hasNoARP else { return link.hardwareAddress }
    return addressType(hop, on: output) == .broadcast ? .broadcast : nil
  }
}
