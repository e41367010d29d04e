/// The words that drawn rules are made of where the declarations leave a choice.
///
/// The option tables alone give values that show how each option is written. Whoever wants rules that packets of a certain host
/// meet names the addresses, interfaces and values of that host here.
public struct SentenceVocabulary: Sendable {
  /// For `-s` and `-d`.
  public var addresses: [String]
  /// For `-i` and `-o`.
  public var inputs = ["eth0", "eth+", "lo", "+", "br-0123456789ab"]
  /// Output interfaces, wildcards included.
  public var outputs = ["eth1", "ppp+", "wlan0.5"]
  /// For `-p`, where no extension asks for one.
  public var protocols = ["tcp", "udp", "icmp", "ipv6-icmp", "sctp", "esp", "47", "255"]
  /// Verdicts of the kernel's own.
  public var verdicts = ["ACCEPT", "RETURN", "ACCEPT", "QUEUE"]
  /// Values of options in place of their samples: by `match.--option`, else by `--option`. An empty list keeps the option out.
  public var values: [String: [String]] = [:]
  /// The extensions that are drawn from; all of the registry when nil.
  public var extensions: Set<String>?

  /// Creates a vocabulary with the given addresses and defaults for all else.
  public init(addresses: [String]) { self.addresses = addresses }

  /// Words for IPv4.
  public static let anyIPv4 = SentenceVocabulary(addresses: [
    "10.0.0.1", "10.0.0.0/8", "192.168.1.0/255.255.255.0", "1.2.3.4/24", "10.1", "0.0.0.0/0", "1.2.3.4/255.0.255.0", "10.0.0.1,10.0.0.2",
  ])
  /// Words for IPv6.
  public static let anyIPv6 = SentenceVocabulary(addresses: [
    "::1", "fe80::/10", "2001:db8::1/64", "::/0", "ff02::1", "::ffff:1.2.3.4", "2001:db8::/ffff::", "::1,::2",
  ])

  /// The values to draw an option's argument from, nil for its samples.
  func values(of option: String, in owner: String) -> [String]? { values["\(owner).\(option)"] ?? values[option] }
}
