import Wire

/// The offset of the ports or the security parameters index in a transport header. The corresponding kernel function is
/// `proto_ports_offset`.
enum PortPlace {
  static func offset(_ number: IPProtocol) -> Int? {
    switch number {
    case .tcp, .udp, .dccp, .esp, .sctp, .udplite: 0
    case .ah: 4
    default: nil
    }
  }
}
