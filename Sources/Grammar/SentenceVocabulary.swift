/// The words of drawn rules that do not come from the declarations.
///
/// The samples of the declarations show how each option is written. To draw rules that match the packets of a particular host, give
/// the addresses, interfaces and values of that host here.
public struct SentenceVocabulary: Sendable {
  /// The addresses for `-s` and `-d`.
  public var addresses: [String]
  /// The incoming interfaces for `-i`, patterns included.
  public var inputs = ["eth0", "eth+", "lo", "+", "br-0123456789ab"]
  /// The outgoing interfaces for `-o`, patterns included.
  public var outputs = ["eth1", "ppp+", "wlan0.5"]
  /// The protocols for `-p`, if no extension requires one.
  public var protocols = ["tcp", "udp", "icmp", "ipv6-icmp", "sctp", "esp", "47", "255"]
  /// The built-in verdicts for `-j`.
  public var verdicts = ["ACCEPT", "RETURN", "ACCEPT", "QUEUE"]
  /// Values of options that replace their samples: by `match.--option`, otherwise by `--option`. An option with an empty list is
  /// not drawn.
  public var values: [String: [String]] = [:]
  /// The names of the extensions to draw from; nil for all of the registry.
  public var extensions: Set<String>?

  /// Creates a vocabulary with addresses, and defaults for everything else.
  public init(addresses: [String]) { self.addresses = addresses }

  /// Default words for IPv4.
  public static let anyIPv4 = SentenceVocabulary(addresses: [
    "10.0.0.1", "10.0.0.0/8", "192.168.1.0/255.255.255.0", "1.2.3.4/24", "10.1", "0.0.0.0/0", "1.2.3.4/255.0.255.0", "10.0.0.1,10.0.0.2",
  ])
  /// Default words for IPv6.
  public static let anyIPv6 = SentenceVocabulary(addresses: [
    "::1", "fe80::/10", "2001:db8::1/64", "::/0", "ff02::1", "::ffff:1.2.3.4", "2001:db8::/ffff::", "::1,::2",
  ])

  /// The values for an option's argument; nil for its samples.
  func values(of option: String, in owner: String) -> [String]? { values["\(owner).\(option)"] ?? values[option] }
}
