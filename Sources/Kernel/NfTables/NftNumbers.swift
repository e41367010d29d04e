/// Numbers of `linux/netfilter/nf_tables.h` and `linux/netfilter/nf_tables_compat.h`.
enum NftNumber {
  /// `NFNL_SUBSYS_NFTABLES`.
  static let subsystem: UInt8 = 10

  /// `nf_tables_msg_types`.
  enum Message {
    static let newTable: UInt8 = 0, getTable: UInt8 = 1, deleteTable: UInt8 = 2, newChain: UInt8 = 3, getChain: UInt8 = 4
    static let deleteChain: UInt8 = 5, newRule: UInt8 = 6, getRule: UInt8 = 7, deleteRule: UInt8 = 8, newSet: UInt8 = 9, getSet: UInt8 = 10,
      newGeneration: UInt8 = 15, getGeneration: UInt8 = 16
    static let newObject: UInt8 = 18, getObject: UInt8 = 19, newFlowTable: UInt8 = 22, getFlowTable: UInt8 = 23
  }

  enum Generation { static let process: UInt16 = 2, program: UInt16 = 3 }

  enum Table {
    static let name: UInt16 = 1, flags: UInt16 = 2, owner: UInt16 = 7
    /// `NFT_TABLE_F_DORMANT` and `NFT_TABLE_F_OWNER`.
    static let dormant: UInt32 = 1, owned: UInt32 = 2
  }

  enum Chain {
    static let table: UInt16 = 1, name: UInt16 = 3, hook: UInt16 = 4, policy: UInt16 = 5, uses: UInt16 = 6, type: UInt16 = 7,
      counters: UInt16 = 8
    static let hookNumber: UInt16 = 1, hookPriority: UInt16 = 2, hookDevice: UInt16 = 3, hookDevices: UInt16 = 4
  }

  enum Rule {
    static let table: UInt16 = 1, chain: UInt16 = 2, handle: UInt16 = 3, expressions: UInt16 = 4, compat: UInt16 = 5
    static let position: UInt16 = 6, userData: UInt16 = 7
    static let compatProtocol: UInt16 = 1, compatFlags: UInt16 = 2
    /// `NFT_RULE_COMPAT_F_INV`.
    static let compatInverted: UInt32 = 2
  }

  /// A set, an object or a flow table: the first two attributes are the same.
  enum Named { static let table: UInt16 = 1, name: UInt16 = 2 }

  enum Element { static let item: UInt16 = 1, name: UInt16 = 1, data: UInt16 = 2 }
  enum Data { static let value: UInt16 = 1, verdict: UInt16 = 2, code: UInt16 = 1, chain: UInt16 = 2 }
  enum Counter { static let bytes: UInt16 = 1, packets: UInt16 = 2 }
  enum Meta { static let destination: UInt16 = 1, key: UInt16 = 2, source: UInt16 = 3 }
  enum PayloadLoad { static let destination: UInt16 = 1, base: UInt16 = 2, offset: UInt16 = 3, length: UInt16 = 4, source: UInt16 = 5 }
  enum Compare { static let source: UInt16 = 1, operation: UInt16 = 2, data: UInt16 = 3 }
  enum Bitwise {
    static let source: UInt16 = 1, destination: UInt16 = 2, length: UInt16 = 3, mask: UInt16 = 4, flips: UInt16 = 5, operation: UInt16 = 6
  }
  enum Range { static let source: UInt16 = 1, operation: UInt16 = 2, low: UInt16 = 3, high: UInt16 = 4 }
  enum Immediate { static let destination: UInt16 = 1, data: UInt16 = 2 }
  enum Limit { static let rate: UInt16 = 1, unit: UInt16 = 2, burst: UInt16 = 3, type: UInt16 = 4, flags: UInt16 = 5 }
  enum Log { static let group: UInt16 = 1, prefix: UInt16 = 2, length: UInt16 = 3, threshold: UInt16 = 4 }
  /// A match or a target.
  enum Compat { static let name: UInt16 = 1, revision: UInt16 = 2, info: UInt16 = 3 }
  /// `NFTA_CT_SREG`, and `NFTA_LOOKUP_DREG`.
  enum Loaded { static let connectionSource: UInt16 = 4, lookupDestination: UInt16 = 3 }

  /// `NFPROTO_*`, as nft(8) writes them.
  static let families: [UInt8: String] = [1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"]
  /// `NFPROTO_INET` and `NFPROTO_NETDEV`.
  static let inet: UInt8 = 1, netdev: UInt8 = 5
}
