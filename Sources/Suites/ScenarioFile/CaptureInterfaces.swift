public import Capture
import Evaluator
public import Wire

/// The interfaces on which the packets of a capture arrive: by interface index, by the interface's name in the capture, or by the network
/// of the packet's source.
public struct CaptureInterfaces: Sendable {
  private struct Network {
    let bits: UInt128
    let length: Int
    let family: Family?
    let interface: String

    func covers(_ address: IPAddress) -> Bool {
      guard let family else { return true }
      guard address.family == family else { return false }
      let shift = UInt128(family.addressBits - length)
      return length == 0 || address.bits >> shift == bits >> shift
    }
  }

  /// Sorted by descending prefix length; `default` is last and matches all addresses.
  private var networks: [Network] = []
  private var indices: [UInt32: String] = [:]
  private var names: [String: String] = [:]

  /// The kinds of keys, for messages.
  public static let keys = "a key is a network, `default', an interface index, or the name of an interface in a pcapng file"

  /// Creates a map without entries.
  public init() {}

  /// Adds an entry. The key is an interface index, a network, `default`, or the name of an interface in a pcapng file.
  ///
  /// - Returns: false if the key is none of them, or the interface's name is not valid.
  public mutating func add(_ key: String, _ interface: String) -> Bool {
    guard InterfaceName.isValid(interface) else { return false }
    if key == "default" {
      networks.append(Network(bits: 0, length: -1, family: nil, interface: interface))
    } else if let index = UInt32(key) {
      indices[index] = interface
    } else if let network = Host.Address(key) {
      networks.append(
        Network(bits: network.address.bits, length: network.prefixLength, family: network.address.family, interface: interface))
      networks.sort { $0.length > $1.length }
    } else if InterfaceName.isValid(key), !key.contains("/") {
      names[key] = interface
    } else {
      return false
    }
    return true
  }

  /// The interface on which a frame arrived; nil if no entry fits. An index or name in the capture is more exact than the network.
  public func interface(of frame: CapturedFrame, source: IPAddress) -> String? {
    frame.interfaceIndex.flatMap { indices[$0] } ?? frame.interfaceName.flatMap { names[$0] }
      ?? networks.first { $0.covers(source) }?.interface
  }

  /// Why no entry fits, and which one would; the packet is the subject.
  public func complaint(about frame: CapturedFrame, source: IPAddress) -> String {
    let place = frame.interfaceIndex.map { " and arrived on the interface with index \($0)" } ?? ""
    let name = frame.interfaceName.map { ", named \($0)" } ?? ""
    let lacks = frame.interfaceIndex == nil && !indices.isEmpty ? "; this capture does not record the index of the interface" : ""
    return "has the source \(source)\(place)\(name), for which no interface is given\(lacks); add its network, or `default'"
      + (frame.interfaceIndex == nil ? "" : ", or the index")
  }
}

extension PacketType {
  /// The destination address of a captured frame, if it must be kept: that of a broadcast, of a multicast, or of another station.
  func captureDestination(of packet: Packet) -> MACAddress? {
    switch self {
    case .broadcast: .broadcast
    case .multicast: packet.link.flatMap { $0.destination.isMulticast ? $0.destination : nil } ?? MACAddress(rawValue: 0x0100_5E00_0000)
    // An address that no interface has.
    case .otherHost: MACAddress(rawValue: 0)
    default: nil
    }
  }
}
