package import XTables

/// What an expression may do to a packet.
package struct NativeEffect: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Drops, queues, answers or takes it.
  package static let drops = NativeEffect(rawValue: 1)
  /// Changes it, its mark, its connection or its way.
  package static let changes = NativeEffect(rawValue: 2)
}

/// One expression of a rule of nf_tables, with the registers between them. Kernel: `nft_expr_ops`.
package enum NativeExpression: Sendable, Hashable {
  /// Loads metadata, by its `NFT_META_*` number, into a register.
  case meta(key: UInt32, register: UInt32)
  /// Sets metadata from a register.
  case setMeta(key: UInt32, register: UInt32)
  /// Loads bytes of a header into a register.
  case payload(base: UInt32, offset: UInt32, length: UInt32, register: UInt32)
  /// Masks and flips bits of a register: `(source & mask) ^ flips`.
  case bitwise(source: UInt32, register: UInt32, mask: [UInt8], flips: [UInt8])
  /// Compares a register with a constant; the rule ends if the comparison is false.
  case compare(register: UInt32, NativeTest.Comparison, [UInt8])
  /// The same with a range.
  case range(register: UInt32, NativeTest.Comparison, [UInt8], [UInt8])
  /// Counts packets and bytes.
  case counter(packets: UInt64, bytes: UInt64)
  /// Loads a constant into a register.
  case constant(register: UInt32, [UInt8])
  /// Gives a verdict, `NF_*` or `NFT_*`; a jump has the name of its chain.
  case verdict(Int32, chain: String?)
  /// A token bucket of packets that lets `rate` packets in `unit` seconds pass.
  case limit(rate: UInt64, unit: UInt64, burst: UInt32)
  /// Sends a copy to a netlink group.
  case log(NativeLog)
  /// Loads a property of the connection, by its `NFT_CT_*` number, into a register.
  case connection(key: UInt32, register: UInt32)
  /// Loads the type of an address by the host's routes into a register.
  case addressType(isSource: Bool, register: UInt32)
  /// Looks a register up in a set; the rule ends if the set does not have it, or has it if inverted. With `isMap` the set has verdicts.
  case lookup(set: String, register: UInt32, isInverted: Bool, isMap: Bool)
  /// Converts numbers of `size` bytes in a register between the byte orders.
  case byteOrder(source: UInt32, register: UInt32, size: UInt32)
  /// A token bucket that lets the packets beyond the rate pass.
  case overLimit(rate: UInt64, unit: UInt64, burst: UInt32)
  /// Writes a line into the kernel's log.
  case kernelLog(NativeLogging)
  /// Drops the packet and answers.
  case reject(NativeReject)
  /// Gives the packet to a program.
  case queue(UInt16, isBypassed: Bool)
  /// Something that neither fails nor changes anything of packets.
  case passive(String)
  /// A match of xtables.
  case match(name: String, revision: UInt8, [UInt8])
  /// A target of xtables.
  case target(name: String, revision: UInt8, [UInt8])
  /// Any other expression, or one of these in a form that iptables does not write.
  case other(String, NativeEffect)

  /// The verdicts of rules. Kernel: `NF_DROP`, `NF_ACCEPT`, `NFT_CONTINUE`, `NFT_JUMP`, `NFT_GOTO` and `NFT_RETURN`.
  package enum Code {
    package static let drop: Int32 = 0, accept: Int32 = 1, `continue`: Int32 = -1, jump: Int32 = -3, goto: Int32 = -4, `return`: Int32 = -5
  }

  /// The number of `NFT_REG_1`, the register that iptables-nft uses, and of `NFT_REG32_01`, which it uses for constants.
  package static let register: UInt32 = 1
  /// See ``register``.
  package static let constantRegister: UInt32 = 9

  /// What the expression may do to a packet. A target of xtables may do anything; a jump does nothing itself.
  package var effect: NativeEffect {
    switch self {
    case .meta, .payload, .bitwise, .compare, .range, .counter, .constant, .limit, .log, .match, .connection, .addressType, .byteOrder,
      .overLimit, .kernelLog, .passive:
      []
    // A map of verdicts writes the verdict register.
    case .lookup(_, _, _, let isMap): isMap ? .drops : []
    case .reject, .queue: .drops
    case .setMeta(let key, _): key == Self.traceMeta ? [] : .changes
    case .verdict(let code, _): code == Code.accept || code < 0 ? [] : .drops
    case .target: [.drops, .changes]
    case .other(_, let effect): effect
    }
  }

  /// `NFT_META_NFTRACE`.
  private static let traceMeta: UInt32 = 12

  /// The name of the expression in the kernel.
  package var name: String {
    switch self {
    case .meta, .setMeta: "meta"
    case .payload: "payload"
    case .bitwise: "bitwise"
    case .compare: "cmp"
    case .range: "range"
    case .counter: "counter"
    case .constant, .verdict: "immediate"
    case .limit, .overLimit: "limit"
    case .log, .kernelLog: "log"
    case .connection: "ct"
    case .addressType: "fib"
    case .lookup: "lookup"
    case .byteOrder: "byteorder"
    case .reject: "reject"
    case .queue: "queue"
    case .passive(let name): name
    case .match: "match"
    case .target: "target"
    case .other(let name, _): name
    }
  }
}
