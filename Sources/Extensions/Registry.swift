public import XTables

extension Registry {
  /// Every match and target Ferrule knows, in the order of their files' names; a test finds a file that is not listed.
  public static let ferrule = Registry([
    AddressTypeMatch.descriptor,
    CommentMatch.descriptor,
    ConnmarkMatch.descriptor,
    ConntrackMatch.descriptor,
    DSCPMatch.descriptor,
    HLMatch.descriptor,
    ICMP6Match.descriptor,
    ICMPMatch.descriptor,
    IPRangeMatch.descriptor,
    LengthMatch.descriptor,
    LimitMatch.descriptor,
    MACMatch.descriptor,
    MarkMatch.descriptor,
    MultiportMatch.descriptor,
    OwnerMatch.descriptor,
    PacketTypeMatch.descriptor,
    StateMatch.descriptor,
    TCPMatch.descriptor,
    TOSMatch.descriptor,
    TTLMatch.descriptor,
    UDPMatch.descriptor,

    MarkTarget.descriptor,
  ])
}
