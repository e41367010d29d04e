package import Compiler
package import XTables

/// Everything that nf_tables holds in a network namespace, at one generation.
package struct NftRuleset: Sendable, Equatable {
  /// The number that the kernel increases with every change.
  package var generation: UInt32
  package var tables: [NftTable] = []
}

/// A table of nf_tables.
package struct NftTable: Sendable, Equatable {
  /// `NFPROTO_*`.
  package let family: UInt8
  package let name: String
  /// `NFT_TABLE_F_*`.
  package var flags: UInt32 = 0
  package var chains: [NftChain] = []
  /// The names of sets, maps, objects and flow tables.
  package var objects: [String] = []
  /// The sets and maps that are given with their elements, by name.
  package var sets: [String: NftSet] = [:]

  /// The family and the name as nft(8) writes them.
  package var title: String { "\(familyName) \(name)" }
  package var familyName: String { NftNumber.families[family] ?? "family \(family)" }
  /// The table without rules that iptables cannot express, and without chains that are not iptables'.
  func without(_ natives: [NftIptables.NativeObject]) -> NftTable {
    let handles = Set(natives.compactMap(\.handle))
    let strange = Set(natives.filter { !$0.isRule }.map(\.chain))
    var table = self
    table.chains = chains.filter { !strange.contains($0.name) }.map { chain in
      var chain = chain
      if !handles.isEmpty { chain.rules.removeAll { handles.contains($0.handle) } }
      return chain
    }
    return table
  }

  /// True if no chain of the table sees packets.
  package var isDormant: Bool { flags & NftNumber.Table.dormant != 0 }
  /// True if only the program that made the table can change it.
  package var isOwned: Bool { flags & NftNumber.Table.owned != 0 }
}

/// A chain of nf_tables.
package struct NftChain: Sendable, Equatable {
  /// The place of a base chain.
  package struct Place: Sendable, Equatable {
    /// `NF_INET_*`, or the numbers of another family.
    package var hook: UInt32
    package var priority: Int32
    /// `filter`, `nat` or `route`.
    package var type: String
    /// The devices of an ingress or egress chain.
    package var devices: [String] = []
  }

  package let name: String
  /// Nil for a chain that only jumps lead to.
  package var place: Place?
  /// True if the policy is to drop.
  package var drops = false
  package var counters = Counters.zero
  /// The number of its rules and of the verdicts that lead to it, as the kernel counts them.
  package var uses = 0
  package var rules: [NftRule] = []
  /// The rules that were printed when they were read, which ``rules`` does not have.
  package var printed: NftPrintedChain?
  /// The number of the rules, also of those that were printed.
  package var ruleCount = 0
}

/// A rule of nf_tables.
package struct NftRule: Sendable, Equatable {
  /// The kernel's number of the rule, unique in its table.
  package var handle: UInt64
  /// The comment in the rule's user data; nil if there is none.
  package var comment: [UInt8]?
  /// The attributes of the expressions: a fourth of the memory that they take when they are parsed.
  private let elements: ArraySlice<UInt8>

  /// - Parameter elements: the payload of `NFTA_RULE_EXPRESSIONS`.
  /// - Returns: nil if it is malformed.
  init?(handle: UInt64, elements: ArraySlice<UInt8>) {
    guard NftParser.forEachExpression(in: elements, { _, _ in }) else { return nil }
    (self.handle, self.elements) = (handle, elements)
  }

  package var expressions: [NativeExpression] {
    var found: [NativeExpression] = []
    found.reserveCapacity(10)
    forEachExpression { found.append($0) }
    return found
  }

  /// Calls `body` with each expression until it throws.
  package func forEachExpression<Failure: Error>(_ body: (NativeExpression) throws(Failure) -> Void) throws(Failure) {
    var failure: Failure?
    NftParser.forEachExpression(in: elements) { name, data in
      guard failure == nil else { return }
      do throws(Failure) {
        try body(NftExpressionParser(name: name, data: NftParser.Fields(data)).expression)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
