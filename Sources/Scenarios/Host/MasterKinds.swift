import Evaluator
package import Wire

/// The kinds of the interfaces that others are parts of (`master`), as far as a listing of `ip addr` tells them: with `-d`, and a bond by the
/// flags of its members.
package struct MasterKinds {
  private var kinds: [String: String] = [:]
  /// The families whose rules each bridge asks whatever the sysctls say.
  private var called: [String: Set<Family>] = [:]

  /// The switches of a bridge (`ip -d`) that have it ask the rules of a family.
  package static let calls: [(name: String, family: Family)] = [("nf_call_iptables", .ipv4), ("nf_call_ip6tables", .ipv6)]

  /// Notes the kind of an interface, in the word of `ip -d`: `bridge`.
  mutating func note(_ kind: String, of name: String) { kinds[name] = kind }

  /// Notes that a bridge asks the rules of a family.
  mutating func note(call family: Family, of name: String) { called[name, default: []].insert(family) }

  /// Notes what the flags of a member say of its master.
  mutating func note(flags: [String], ofMemberOf master: String) {
    if flags.contains("SLAVE"), kinds[master] == nil { kinds[master] = "bond" }
  }

  /// Notes what a line of `ip -d addr` says of an interface and of its master: `bridge forward_delay 1500`, `bridge_slave state forwarding`.
  mutating func note(words: [String], of name: String, memberOf master: String?) {
    for (word, next) in zip(words, words.dropFirst()) {
      if word == "bridge", next == "forward_delay" { kinds[name] = word }
      if next == "1", let call = Self.calls.first(where: { $0.name == word }) { note(call: call.family, of: name) }
      if word.hasSuffix("_slave"), let master { kinds[master] = String(word.dropLast("_slave".count)) }
    }
  }

  /// Makes bridges of the interfaces that are bridges, and says of each other member what its way depends on. The frames of the members of a
  /// bond or team arrive on it.
  func apply(to host: Host) {
    for (name, kind) in kinds where kind == "bridge" { host.updateDevice(named: name) { $0.isBridge = true } }
    for (name, families) in called { host.updateDevice(named: name) { $0.calledFamilies = families } }
    for device in host.devices {
      guard let master = device.bridge else { continue }
      let isListed = host.device(named: master) != nil
      let need: String?
      switch kinds[master] {
      case "bridge", "bond", "team": need = isListed ? nil : "the state of \(master), the master of \(device.name) (--ip-addr)"
      case nil: need = "whether \(master), the master of \(device.name), is a bridge (--ip-addr with what `ip -d addr' prints)"
      case let kind?: need = "the effect of \(master), which is no bridge but a \(kind), on the frames of \(device.name)"
      }
      host.updateDevice(named: device.name) { $0.masterNeed = need }
    }
  }
}
