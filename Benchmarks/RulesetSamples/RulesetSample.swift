/// Rulesets of any length, the same ones at every call.
public enum RulesetSample {
  /// A filter table with `count` rules in FORWARD, of the kinds that large rulesets are made of. None matches a packet from
  /// 192.0.2.0/24, so that such a packet is held against all of them.
  public static func text(rules count: Int) -> String {
    var text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    text.reserveCapacity(count * 80)
    for index in 0..<count {
      let address = "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)"
      text += "-A FORWARD " + rule(index, address) + "\n"
    }
    return text + "COMMIT\n"
  }

  private static func rule(_ index: Int, _ address: String) -> String {
    switch index % 5 {
    case 0: "-s \(address)/32 -j DROP"
    case 1: "-s \(address)/32 -p tcp -m tcp --dport \(1 + index % 65535) -j ACCEPT"
    case 2: "-s \(address)/32 -i eth\(index % 10) -p udp -m udp --sport 1024:65535 --dport 53 -j ACCEPT"
    case 3: "-s \(address)/32 -p tcp -m multiport --dports 80,443,8000:8100 -m comment --comment \"rule \(index)\" -j ACCEPT"
    default: "-s \(address)/32 -m mark --mark 0x\(String(index & 0xFFFF, radix: 16)) -j RETURN"
    }
  }
}
