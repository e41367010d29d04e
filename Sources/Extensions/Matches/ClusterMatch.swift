import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches the connections assigned to this node of a cluster. Kernel: `xt_cluster`, revision 0.
public enum ClusterMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_cluster_match_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var nodes: UInt32 = 0
    var mask: UInt32 = 0
    var seed: UInt32 = 0
    var flags: UInt32 = 0
  }

  public static let name = "cluster"
  public static let families: Families = .both
  public static let summary = "matches connections that belong to this node of a cluster"
  public static let initial = Info()

  private static func hex(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The syntax of a number printed with eight hexadecimal digits.
  private static func padded(_ syntax: ValueSyntax<UInt32>) -> ValueSyntax<UInt32> {
    ValueSyntax(
      placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples, nearMisses: syntax.nearMisses,
      parse: syntax.parse, print: { number, text in text.word(hex(number)) })
  }

  private static let node: ValueSyntax<UInt32> = {
    let number = ValueSyntax<UInt32>.unsigned(1...32)
    return ValueSyntax(
      placeholder: number.placeholder, grammar: number.grammar, samples: number.samples, nearMisses: number.nearMisses,
      parse: { token, arguments throws(OptionError) in 1 << (try number.parse(token, arguments) - 1) },
      print: { mask, text in number.print(UInt32(mask.trailingZeroBitCount + 1), &text) })
  }()

  /// True if the mask has one bit, above those that `--cluster-local-nodemask` accepts: the rule used `--cluster-local-node`.
  private static let isNode: @Sendable (Info) -> Bool = { $0.mask > 32 && $0.mask.nonzeroBitCount == 1 }

  private static let nodeNumber: Option<Info> = {
    let syntax = node
    return Option(
      "--cluster-local-node", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, OptionUse(excludes: ["--cluster-local-nodemask"]), "number of this node",
      read: { info, arguments throws(OptionError) in
        info.mask = try syntax.parse(arguments.token, arguments)
        info.flags = info.flags & ~1 | (arguments.inverted ? 1 : 0)
      },
      write: { info, text in
        guard text.isReloadable, isNode(info) else { return }
        text.option("--cluster-local-node", inverted: info.flags & 1 != 0)
        syntax.print(info.mask, &text)
      })
  }()

  private static let nodeMask: Option<Info> = {
    let syntax = padded(.unsigned(1...32))
    return Option(
      "--cluster-local-nodemask", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, invertible: true, OptionUse(excludes: ["--cluster-local-node"]),
      "the mask of the nodes for which this host is responsible",
      read: { info, arguments throws(OptionError) in
        info.mask = try syntax.parse(arguments.token, arguments)
        info.flags = info.flags & ~1 | (arguments.inverted ? 1 : 0)
      },
      write: { info, text in
        guard !(text.isReloadable && isNode(info)) else { return }
        text.option("--cluster-local-nodemask", inverted: info.flags & 1 != 0)
        syntax.print(info.mask, &text)
      })
  }()

  public static let options: [Option<Info>] = [
    nodeNumber,
    nodeMask,
    Option("--cluster-total-nodes", .unsigned(1...32), \.nodes, .mandatory, "the number of nodes"),
    Option("--cluster-hash-seed", padded(.unsigned()), \.seed, .mandatory, "seed of the hash, the same on all nodes"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_cluster_match_info>.size)]
  public static let examples: [Example] = [
    .matches(
      "--cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1", "eth0 udp 10.0.0.2:1000 > 10.0.1.9:53",
      saved: "--cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0x00000001"),
    .misses(
      "--cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1", "eth0 udp 10.0.0.8:1000 > 10.0.1.9:53",
      saved: "--cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0x00000001"),
    .accepts(
      "--cluster-total-nodes 2 --cluster-local-node 2 --cluster-hash-seed 0xdeadbeef",
      saved: "--cluster-local-nodemask 0x00000002 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef"),
    .rejects("--cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 1"),
    .rejects("--cluster-total-nodes 2 --cluster-hash-seed 1"),
    .rejects("--cluster-total-nodes 33 --cluster-local-node 1 --cluster-hash-seed 1"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    let isNode = seen.contains("--cluster-local-node")
    guard isNode || seen.contains("--cluster-local-nodemask") else {
      throw OptionError(
        "missing-option", "cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing")
    }
    guard UInt64(info.mask) >> UInt64(info.nodes) != 0 else { return }
    throw OptionError(
      "bad-value",
      isNode
        ? "cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'"
        : "cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'")
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("cluster \(info.flags & 1 != 0 ? "!" : "")node_mask=\(RuleText.hex(info.mask, digits: 8))")
    text.word("total_nodes=\(info.nodes) hash_seed=\(RuleText.hex(info.seed, digits: 8))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.nodes > 32 || info.nodes == 0 { throw .kernel("cluster: there are at most 32 nodes") }
    if UInt64(info.mask) >> UInt64(info.nodes) != 0 { throw .kernel("cluster: the mask contains nodes that do not exist (EDOM)") }
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { FieldEffect.unknown(.packetType) }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let node = Field.clusterNode(info.nodes, info.seed)
    let mine = Condition.any((0..<32).filter { info.mask >> UInt32($0) & 1 == 1 }.map { .equals(node, $0) })
    return .all([.has(node), mine.inverted(info.flags & 1 != 0)])
  }
}

extension Field {
  /// The node of a connection, or of its master, counted from 0. As the kernel, changes the packet type of a multicast frame with a
  /// unicast address to `host`.
  ///
  /// The corresponding kernel function is `xt_cluster_mt`.
  fileprivate static func clusterNode(_ nodes: UInt32, _ seed: UInt32) -> Field {
    Field("cluster.\(nodes).\(seed)", bits: 5, FieldTraits(.context, [.value, .absent])) { context in
      if context.packet.destination?.isMulticast == false, context.packet.type == .multicast { context.packet.type = .host }
      guard let handle = context.attachment.connection, let table = context.world.conntrack,
        let connection = table[table.master(of: handle) ?? handle]
      else { return .absent }
      let bits = connection.original.sourceBits
      // The kernel hashes the address in memory order, of an IPv6 address only the first word.
      let word = UInt32(truncatingIfNeeded: context.family == .ipv4 ? bits : bits >> 96).byteSwapped
      return .of((UInt64(JenkinsHash.words([word], initial: seed)) * UInt64(nodes)) >> 32)
    }
  }
}
