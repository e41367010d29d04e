/// Numbers of `linux/netfilter/nf_tables.h` and `linux/netfilter/nf_tables_compat.h`.
enum NftNumber {
  /// `NFNL_SUBSYS_NFTABLES`.
  static let subsystem: UInt8 = 10

  /// `nf_tables_msg_types`.
  enum Message {
    static let newTable: UInt8 = 0, getTable: UInt8 = 1, deleteTable: UInt8 = 2, newChain: UInt8 = 3, getChain: UInt8 = 4
    static let deleteChain: UInt8 = 5, newRule: UInt8 = 6, getRule: UInt8 = 7, deleteRule: UInt8 = 8, newSet: UInt8 = 9, getSet: UInt8 = 10,
      newElement: UInt8 = 12, getElement: UInt8 = 13, newGeneration: UInt8 = 15, getGeneration: UInt8 = 16
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

  enum SetObject {
    static let flags: UInt16 = 3, keyLength: UInt16 = 5, dataType: UInt16 = 6
    /// `NFT_SET_ANONYMOUS`, `NFT_SET_INTERVAL`, `NFT_SET_MAP`, `NFT_SET_TIMEOUT`, `NFT_SET_EVAL`, `NFT_SET_OBJECT` and `NFT_SET_CONCAT`.
    static let anonymous: UInt32 = 1, interval: UInt32 = 4, map: UInt32 = 8, timeout: UInt32 = 16, eval: UInt32 = 32, object: UInt32 = 64,
      concatenation: UInt32 = 128
    /// `NFT_DATA_VERDICT`.
    static let verdict: UInt32 = 0xffff_ff00
  }

  /// `NFTA_SET_ELEM_LIST_*` and `NFTA_SET_ELEM_*`.
  enum SetElement {
    static let table: UInt16 = 1, set: UInt16 = 2, elements: UInt16 = 3
    static let key: UInt16 = 1, data: UInt16 = 2, flags: UInt16 = 3, timeout: UInt16 = 4, expression: UInt16 = 7, keyEnd: UInt16 = 10,
      expressions: UInt16 = 11
    /// `NFT_SET_ELEM_INTERVAL_END` and `NFT_SET_ELEM_CATCHALL`.
    static let intervalEnd: UInt32 = 1, catchAll: UInt32 = 2
  }

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
  enum Log {
    static let group: UInt16 = 1, prefix: UInt16 = 2, length: UInt16 = 3, threshold: UInt16 = 4, level: UInt16 = 5, flags: UInt16 = 6
  }
  enum Fib {
    static let destination: UInt16 = 1, result: UInt16 = 2, flags: UInt16 = 3
    /// `NFT_FIB_RESULT_ADDRTYPE`, `NFTA_FIB_F_SADDR` and `NFTA_FIB_F_DADDR`.
    static let addressType: UInt32 = 3, source: UInt32 = 1, target: UInt32 = 2
  }
  enum Lookup { static let set: UInt16 = 1, source: UInt16 = 2, flags: UInt16 = 5 }
  enum ByteOrder { static let source: UInt16 = 1, destination: UInt16 = 2, length: UInt16 = 4, size: UInt16 = 5 }
  enum Reject { static let type: UInt16 = 1, code: UInt16 = 2 }
  enum Queue { static let number: UInt16 = 1, total: UInt16 = 2, flags: UInt16 = 3, register: UInt16 = 4 }
  /// `NFTA_OBJREF_IMM_TYPE`, and `NFT_OBJECT_COUNTER`.
  enum ObjectReference { static let type: UInt16 = 1, counter: UInt32 = 1 }
  /// A match or a target.
  enum Compat { static let name: UInt16 = 1, revision: UInt16 = 2, info: UInt16 = 3 }
  enum Connection { static let destination: UInt16 = 1, key: UInt16 = 2, direction: UInt16 = 3 }
  /// `NFTA_CT_SREG`, and `NFTA_LOOKUP_DREG`.
  enum Loaded { static let connectionSource: UInt16 = 4, lookupDestination: UInt16 = 3 }

  /// `NFPROTO_*`, as nft(8) writes them.
  static let families: [UInt8: String] = [1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"]
  /// `NFPROTO_INET` and `NFPROTO_NETDEV`.
  static let inet: UInt8 = 1, netdev: UInt8 = 5
}
