internal import Compiler
internal import Netfilter
internal import Wire
internal import XTables

extension NftBatch {
  private typealias Message = NftNumber.Message
  private typealias Flag = NetlinkMessage.Flag

  /// Changes a table as a step of a change says, or deletes it.
  ///
  /// - Parameter index: the place of the table, by which errors are told.
  mutating func change(_ change: NftTableChange, index: Int) throws(KernelError) {
    mark(table: index)
    let (name, family) = (change.table.name.rawValue, change.table.family)
    if change.isDeleted {
      if change.live != nil { table(Message.deleteTable, name, family) }
      return
    }
    if change.live == nil || change.isNew {
      if change.live != nil { table(Message.deleteTable, name, family) }
      table(Message.newTable, name, family)
    }
    let chains = change.table.chainsInSaveOrder
    // Rules go before the chains to which they jump, and chains come before the rules that jump to them.
    deleteRules(change)
    for chain in chains { declare(chain, change) }
    for chain in chains { try add(chain, change, index) }
    mark(table: index)
    for chain in change.removedChains {
      message(Message.deleteChain, family) {
        $0.text(NftNumber.Chain.table, name)
        $0.text(NftNumber.Chain.name, chain)
      }
    }
  }

  private mutating func table(_ message: UInt8, _ name: String, _ family: Family) {
    self.message(message, family, flags: message == Message.newTable ? Flag.create : 0) { $0.text(NftNumber.Table.name, name) }
  }

  /// Deletes the rules that do not stay: all of a chain at once if none of them stays.
  private mutating func deleteRules(_ change: NftTableChange) {
    for (chain, handles) in change.removedRules {
      for handle in handles.map({ $0.map(Optional.some) }) ?? [nil] {
        message(Message.deleteRule, change.table.family) { batch in
          batch.text(NftNumber.Rule.table, change.table.name.rawValue)
          batch.text(NftNumber.Rule.chain, chain)
          if let handle { batch.number64(NftNumber.Rule.handle, handle) }
        }
      }
    }
  }

  /// Makes a chain, or sets the policy of one that stays.
  private mutating func declare(_ chain: Chain, _ change: NftTableChange) {
    guard !change.keepsAsIs(chain) else { return }
    let isThere = change.liveChain(chain.name) != nil
    message(Message.newChain, change.table.family, flags: isThere ? 0 : Flag.create) { batch in
      batch.text(NftNumber.Chain.table, change.table.name.rawValue)
      batch.text(NftNumber.Chain.name, chain.name)
      guard let hook = chain.hook else { return }
      let place = NftBuiltinChain(change.table.name, hook)
      if !isThere {
        batch.nested(NftNumber.Chain.hook) {
          $0.number(NftNumber.Chain.hookNumber, UInt32(hook.rawValue))
          $0.number(NftNumber.Chain.hookPriority, UInt32(bitPattern: place.priority))
        }
      }
      batch.number(NftNumber.Chain.policy, chain.policy == .drop ? 0 : 1)
      if !isThere { batch.text(NftNumber.Chain.type, place.type) }
      batch.nested(NftNumber.Chain.counters) {
        $0.number64(NftNumber.Counter.bytes, chain.counters.bytes)
        $0.number64(NftNumber.Counter.packets, chain.counters.packets)
      }
    }
  }

  /// Adds the rules of a chain that it does not have yet, each before the next one that stays.
  private mutating func add(_ chain: Chain, _ change: NftTableChange, _ index: Int) throws(KernelError) {
    let kept = change.keptHandles(chain)
    var next = kept.firstIndex { $0 != nil }
    var expected = -1
    func isAdded(_ place: Int) -> Bool { kept.isEmpty || kept[place] == nil }
    try change.forEachRule(of: chain.name, where: isAdded) { position, rule throws(KernelError) in
      if position != expected {
        mark(table: index, chain: chain.name, rule: position + 1)
        if let passed = next, passed < position { next = kept[position...].firstIndex { $0 != nil } }
      }
      expected = position + 1
      let expressions: [NativeExpression]
      do throws(NativeRuleEncoder.Inexpressible) { expressions = try change.encoder.expressions(rule) } catch {
        throw KernelError(
          .malformed(error.reason), family: change.table.family, table: change.table.name.rawValue,
          rule: RuleReference(chain: chain.name, rule: position + 1))
      }
      add(expressions, of: rule.header, to: chain.name, change, before: next.flatMap { kept[$0] })
    }
  }

  /// - Parameter handle: the number of the rule before which this one is added; nil for the end of the chain.
  private mutating func add(
    _ expressions: [NativeExpression], of header: RuleHeader, to chain: String, _ change: NftTableChange, before handle: UInt64?
  ) {
    message(Message.newRule, change.table.family, flags: Flag.create | (handle == nil ? Flag.append : 0)) { batch in
      batch.text(NftNumber.Rule.table, change.table.name.rawValue)
      batch.text(NftNumber.Rule.chain, chain)
      if let handle { batch.number64(NftNumber.Rule.position, handle) }
      batch.nested(NftNumber.Rule.expressions) { list in
        for expression in expressions {
          list.nested(NftNumber.Element.item, isMarked: false) { element in
            element.text(NftNumber.Element.name, expression.name)
            element.nested(NftNumber.Element.data, isMarked: false) { $0.data(of: expression) }
          }
        }
      }
      batch.nested(NftNumber.Rule.compat) { compat in
        compat.number(NftNumber.Rule.compatProtocol, UInt32(header.protocolNumber))
        compat.number(NftNumber.Rule.compatFlags, header.inverted.contains(.protocol) ? NftNumber.Rule.compatInverted : 0)
      }
    }
  }
}
