import Conntrack
import Wire
import XTables

/// Limits redirects by host. Kernel: `inet_peer`.
struct RedirectMemory {
  private struct Peer {
    var told = 0
    var last: UInt64 = 0
  }
  private var peers: [IPAddress: Peer] = [:]
  /// The first interval in nanoseconds; it doubles each time. Kernel: `ip_rt_redirect_load`.
  private static let load: UInt64 = 20_000_000
  /// The limit for redirects to a host that ignores them. Kernel: `ip_rt_redirect_number`.
  private static let most = 9
  /// The time after which the limits are reset. Kernel: `ip_rt_redirect_silence`.
  private static let silence = load << 10

  var isEmpty: Bool { peers.isEmpty }

  /// True if a redirect may be sent now. The corresponding kernel function is `ip_rt_send_redirect`.
  mutating func tells(_ source: IPAddress, now: UInt64) -> Bool {
    var peer = peers[source] ?? Peer()
    if now > peer.last &+ Self.silence { peer.told = 0 }
    defer { peers[source] = peer }
    if peer.told >= Self.most {
      peer.last = now
      return false
    }
    guard peer.told == 0 || now > peer.last &+ Self.load << UInt64(peer.told) else { return false }
    peer.last = now
    peer.told += 1
    return true
  }
}

/// Packets that leave by their input interface.
extension Simulator {
  /// Sends a redirect if the sender and the next hop are on the same link.
  ///
  /// The corresponding kernel functions are `__mkroute_input` and `ip_rt_send_redirect`.
  func redirect(_ journey: inout Journey) {
    guard let input = journey.context.input, let link = host.link(input), link.sendsRedirects, journey.context.family == .ipv4,
      journey.options?.hasSourceRoute != true, let source = journey.context.packet.source,
      let destination = journey.context.packet.destination,
      case .found(let back) = host.lookup(Flow(to: source, from: destination)), back.route.type == .unicast, back.route.gateway == nil
    else { return }
    let gateway = journey.route?.gateway
    guard link.sharesMedium || host.shareNetwork(source, gateway, on: input) else { return }
    guard learned.redirects.tells(source, now: world.now), case .v4(let next)? = gateway ?? journey.context.packet.destination else {
      return
    }
    answerError(&journey, type: 5, code: 1, information: next.rawValue)
  }
}

extension Host {
  /// True if both addresses are in one network of an interface. The corresponding kernel function is `inet_addr_onlink`.
  func shareNetwork(_ one: IPAddress, _ other: IPAddress?, on interface: Interface) -> Bool {
    (device(interface)?.addresses ?? []).contains { entry in
      entry.address.family == one.family && one.bits & entry.mask == entry.network
        && (other.map { $0.bits & entry.mask == entry.network } ?? true)
    }
  }

  /// The mark for an answer to a packet with this mark. Kernel: `IP4_REPLY_MARK`, `IP6_REPLY_MARK`.
  func reflects(_ mark: UInt32, _ family: Family) -> UInt32 {
    mark != 0 && sysctls[family == .ipv4 ? "net.ipv4.fwmark_reflect" : "net.ipv6.fwmark_reflect"] == 1 ? mark : 0
  }
}
