internal import Glibc
internal import XTables

/// Reads everything that nf_tables holds in the network namespace of the calling thread.
///
/// It speaks netlink itself: Ferrule has a netlink socket already, and libnftnl would need libmnl and still give raw attributes.
package enum NftReader {
  /// - Parameters:
  ///   - hasRules: false to read only the tables and chains.
  ///   - readsElements: whether the elements of the sets of tables that are not iptables' are read too.
  ///   - printing: prints rules in place of keeping them.
  /// - Returns: nil if the kernel has no nf_tables.
  /// - Throws: `KernelError` if access is denied, an answer is cut short, or the rules change at every attempt (``NftAttempts``).
  package static func read(
    hasRules: Bool = true, readsElements: Bool = false, printing: NftRulePrinting? = nil
  ) throws(KernelError) -> NftRuleset? {
    var socket: NetlinkSocket
    do throws(KernelError) { socket = try NetlinkSocket(.netfilter, receiveBuffer: 8 << 20) } catch {
      // Without nfnetlink there is no such protocol.
      if error.error?.number == EPROTONOSUPPORT { return nil }
      throw error
    }
    var attempts = NftAttempts()
    while true {
      do throws(KernelError) {
        guard let before = try generation(&socket) else { return nil }
        if let ruleset = try read(
          &socket, at: before, isHurried: attempts.count > 1, hasRules: hasRules, readsElements: readsElements, printing: printing)
        {
          return ruleset
        }
      } catch {
        // The receive buffer was full, or the kernel says that objects changed. The rest of the dump is still in the socket.
        guard [ENOBUFS, EINTR, EAGAIN].contains(error.error?.number ?? 0) else { throw error }
        socket = try NetlinkSocket(.netfilter, receiveBuffer: 32 << 20)
      }
      try attempts.wait("asking for the rules of nf_tables")
    }
  }

  /// Reads once.
  ///
  /// - Parameter hasRules: false to read only the tables and chains.
  /// - Returns: nil if the ruleset has another generation, or gets one meanwhile.
  static func read(at generation: UInt32, hasRules: Bool) throws(KernelError) -> NftRuleset? {
    var socket = try NetlinkSocket(.netfilter, receiveBuffer: 32 << 20)
    guard try self.generation(&socket) == generation else { return nil }
    return try read(&socket, at: generation, hasRules: hasRules)
  }

  private static func read(
    _ socket: inout NetlinkSocket, at generation: UInt32, isHurried: Bool = false, hasRules: Bool = true, readsElements: Bool = false,
    printing: NftRulePrinting? = nil
  ) throws(KernelError) -> NftRuleset? {
    var assembly = NftAssembly(generation: generation, printing: printing)
    var isConsistent = try dump(&socket, into: &assembly, isHurried: isHurried, hasRules: hasRules, readsAhead: printing != nil)
    if readsElements { isConsistent = try dumpElements(&socket, into: &assembly) && isConsistent }
    let after = try self.generation(&socket)
    return isConsistent && assembly.isComplete && after == generation ? assembly.ruleset : nil
  }

  /// Reads the elements of the sets of tables that are not iptables'.
  private static func dumpElements(_ socket: inout NetlinkSocket, into assembly: inout NftAssembly) throws(KernelError) -> Bool {
    var (isConsistent, isSound) = (true, true)
    for table in assembly.ruleset.tables where NftBuiltinChain.iptables(table) == nil {
      for name in table.sets.keys.sorted() {
        var request = NetlinkMessage(subsystem: NftNumber.subsystem, NftNumber.Message.getElement, family: table.family)
        request.add(NftNumber.SetElement.table, text: table.name)
        request.add(NftNumber.SetElement.set, text: name)
        let isWhole = try socket.stream(request, what: "asking for the elements of a set of nf_tables") { answer in
          if !assembly.add(answer) { isSound = false }
        }
        isConsistent = isConsistent && isWhole
      }
    }
    guard isSound else { throw .call("asking for the elements of a set of nf_tables", SystemError(number: EBADMSG)) }
    return isConsistent
  }

  /// The generation of the ruleset; nil if the kernel has no nf_tables. The kernel may load its module to answer.
  static func generation(_ socket: inout NetlinkSocket) throws(KernelError) -> UInt32? {
    let request = NetlinkMessage(subsystem: NftNumber.subsystem, NftNumber.Message.getGeneration)
    do throws(KernelError) {
      guard let answer = try socket.get(request, what: "asking for the generation of nf_tables"), answer.body.count >= 4 else { return nil }
      return NftParser.Fields(answer.body[4...]).number32(1)
    } catch {
      // Without the subsystem, nfnetlink answers EINVAL.
      if [EINVAL, EOPNOTSUPP, EPROTONOSUPPORT].contains(error.error?.number ?? 0) { return nil }
      throw error
    }
  }

  /// - Parameters:
  ///   - isHurried: true to parse nothing before all is read, so that other programs have less time to change it.
  ///   - readsAhead: whether another thread receives the rules while they are processed.
  private static func dump(
    _ socket: inout NetlinkSocket, into assembly: inout NftAssembly, isHurried: Bool, hasRules: Bool, readsAhead: Bool
  ) throws(KernelError) -> Bool {
    typealias Message = NftNumber.Message
    var isConsistent = true
    var malformed = 0
    var waiting: [NetlinkMessage] = []
    // Rules come last, so that each finds its chain.
    let messages = [Message.getTable, Message.getChain, Message.getSet, Message.getObject, Message.getFlowTable]
    for message in hasRules ? messages + [Message.getRule] : messages {
      let request = NetlinkMessage(subsystem: NftNumber.subsystem, message)
      do throws(KernelError) {
        let isAhead = readsAhead && message == Message.getRule
        let isWhole = try socket.stream(request, what: "asking for the rules of nf_tables", readsAhead: isAhead) { answer in
          if isHurried { waiting.append(answer) } else if !assembly.add(answer) { malformed += 1 }
        }
        isConsistent = isConsistent && isWhole
      } catch {
        // Old kernels have no objects or flow tables.
        guard message == Message.getObject || message == Message.getFlowTable, [EINVAL, EOPNOTSUPP].contains(error.error?.number ?? 0)
        else {
          throw error
        }
      }
    }
    for answer in waiting where !assembly.add(answer) { malformed += 1 }
    guard malformed == 0 else { throw .call("asking for the rules of nf_tables", SystemError(number: EBADMSG)) }
    return isConsistent
  }
}

/// Puts the objects of dumps together.
package struct NftAssembly: Sendable {
  package private(set) var ruleset: NftRuleset
  /// False after an object without its table or chain, as between two generations.
  package private(set) var isComplete = true
  private var tables: [Key: Int] = [:]
  private var chains: [Key: Int] = [:]
  /// The chain of the last rule: rules arrive chain by chain.
  private var last: (key: Key, table: Int, chain: Int, printed: TableName?)?
  /// Nil if all rules are kept.
  private var printing: NftRulePrinting?

  private struct Key: Hashable {
    let family: UInt8
    let table: String
    var chain = ""
  }

  package init(generation: UInt32) { self.init(generation: generation, printing: nil) }

  init(generation: UInt32, printing: NftRulePrinting?) {
    ruleset = NftRuleset(generation: generation)
    self.printing = printing
  }

  /// Adds an object of any kind, by the type of its message.
  ///
  /// - Returns: false if the message is malformed, as all functions here.
  package mutating func add(_ message: NetlinkMessage) -> Bool {
    guard message.type >> 8 == UInt16(NftNumber.subsystem) else { return false }
    return switch UInt8(message.type & 0xff) {
    case NftNumber.Message.newTable: add(table: message)
    case NftNumber.Message.newChain: add(chain: message)
    case NftNumber.Message.newRule: add(rule: message)
    case NftNumber.Message.newSet: add(set: message)
    case NftNumber.Message.newElement: add(elements: message)
    case NftNumber.Message.newObject, NftNumber.Message.newFlowTable: add(object: message)
    default: false
    }
  }

  private mutating func add(table message: NetlinkMessage) -> Bool {
    guard let table = NftParser.table(message) else { return false }
    let key = Key(family: table.family, table: table.name)
    // A table that is named twice was removed and made anew during the dump.
    guard tables[key] == nil else {
      isComplete = false
      return true
    }
    tables[key] = ruleset.tables.count
    ruleset.tables.append(table)
    return true
  }

  private mutating func add(chain message: NetlinkMessage) -> Bool {
    guard let (family, table, chain) = NftParser.chain(message) else { return false }
    guard let index = tables[Key(family: family, table: table)] else {
      isComplete = false
      return true
    }
    let key = Key(family: family, table: table, chain: chain.name)
    guard chains[key] == nil else {
      isComplete = false
      return true
    }
    chains[key] = ruleset.tables[index].chains.count
    ruleset.tables[index].chains.append(chain)
    return true
  }

  private mutating func add(object message: NetlinkMessage) -> Bool {
    guard let (family, table, name) = NftParser.object(message) else { return false }
    guard let index = tables[Key(family: family, table: table)] else {
      isComplete = false
      return true
    }
    ruleset.tables[index].objects.append(name)
    return true
  }

  private mutating func add(set message: NetlinkMessage) -> Bool {
    guard let (family, table, name, set) = NftParser.set(message) else { return false }
    guard let index = tables[Key(family: family, table: table)] else {
      isComplete = false
      return true
    }
    ruleset.tables[index].objects.append(name)
    ruleset.tables[index].sets[name] = set
    return true
  }

  private mutating func add(elements message: NetlinkMessage) -> Bool {
    guard let (family, table, name, elements, areSpecial) = NftParser.elements(message) else { return false }
    guard let index = tables[Key(family: family, table: table)], ruleset.tables[index].sets[name] != nil else {
      isComplete = false
      return true
    }
    ruleset.tables[index].sets[name]?.elements += elements
    if areSpecial { ruleset.tables[index].sets[name]?.hasSpecialElements = true }
    return true
  }

  private mutating func add(rule message: NetlinkMessage) -> Bool {
    guard let (family, table, chain, rule) = NftParser.rule(message) else { return false }
    let key = Key(family: family, table: table, chain: chain)
    if last?.key != key {
      guard let place = tables[Key(family: family, table: table)], let chain = chains[key] else {
        isComplete = false
        return true
      }
      last = (key, place, chain, printing?.printed(ruleset.tables[place]))
    }
    guard let last else { return true }
    ruleset.tables[last.table].chains[last.chain].ruleCount += 1
    if let table = last.printed {
      printing?.print(rule, of: table, to: &ruleset.tables[last.table].chains[last.chain])
    } else {
      ruleset.tables[last.table].chains[last.chain].rules.append(rule)
    }
    return true
  }
}
