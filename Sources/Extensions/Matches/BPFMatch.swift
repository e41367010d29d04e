import CNetfilter
public import Wire
public import XTables

/// Matches by a classic BPF program, or by a BPF object pinned in the kernel. Kernel: `xt_bpf`, revision 1.
public enum BPFMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_bpf_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var mode: UInt16 = Mode.bytecode
    var count: UInt16 = 0
    var descriptor: Int32 = 0
    /// The instructions, or in the same bytes the path of a pinned object.
    var program = InlineArray<64, BPFInstruction>(repeating: BPFInstruction())
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0

    var instructions: [BPFInstruction] { (0..<min(Int(count), 64)).map { program[$0] } }

    /// The path of a pinned object.
    var path: [UInt8] {
      get { Array(program.indices.flatMap { program[$0].octets }.prefix { $0 != 0 }) }
      set {
        var bytes = Array(newValue.prefix(511))
        bytes += [UInt8](repeating: 0, count: 512 - bytes.count)
        for index in program.indices { program[index] = BPFInstruction(octets: bytes[(8 * index)..<(8 * index + 8)]) }
      }
    }
  }

  /// The corresponding kernel structure is `xt_bpf_info`.
  struct Info0: BitwiseCopyable, Sendable {
    var count: UInt16
    var padding: UInt16 = 0
    var program: InlineArray<64, BPFInstruction>
    var morePadding: UInt32 = 0
    var kernelState: UInt64 = 0
  }

  /// `enum xt_bpf_modes`.
  enum Mode {
    static let bytecode: UInt16 = 0
    static let pinned: UInt16 = 1
  }

  public static let name = "bpf"
  public static let families: Families = .both
  public static let needs: [HostFact] = [.programs]
  public static let summary = "matches packets that a BPF program accepts"
  public static let traits: ExtensionTraits = .comparesBytes
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--bytecode", arity: 1, placeholder: "count,code jt jf k,...", grammar: "bpf-program",
      samples: ["\"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\"", "\"1,6 0 0 0\""],
      nearMisses: ["x", "\"0,\"", "\"65,6 0 0 0\"", "\"2,6 0 0 0\"", "\"1,6 0 0 0,6 0 0 0\"", "\"1,6 0\""], .plain,
      "program in the form of `nfbpf_compile`",
      read: { info, arguments throws(OptionError) in
        let program = try BPFText.parse(arguments.token, arguments)
        for (index, instruction) in program.enumerated() { info.program[index] = instruction }
        info.count = UInt16(program.count)
        info.mode = Mode.bytecode
      },
      write: { info, text in
        guard info.mode == Mode.bytecode else { return }
        text.option("--bytecode")
        text.word("\"\(info.count)," + info.instructions.map(\.text).joined(separator: ",") + "\"")
      }),
    Option(
      "--object-pinned", arity: 1, placeholder: "path", grammar: "string", samples: ["/sys/fs/bpf/prog"], .plain,
      "path of a BPF program pinned in the kernel",
      read: { info, arguments throws(OptionError) in
        if arguments.names.isPinned(arguments.token.string) == false {
          throw OptionError(
            "bad-value", "bpf: failed to get bpf object", at: arguments.token.range,
            hint: "pin the program first: bpftool prog load FILE \(arguments.token.string)")
        }
        info.path = Array(arguments.token.bytes)
        info.mode = Mode.pinned
        info.descriptor = -1
      },
      write: { info, text in
        guard info.mode == Mode.pinned else { return }
        text.option("--object-pinned")
        text.word(String(decoding: info.path, as: UTF8.self))
      }),
  ]
  public static let layouts = [
    Layout<Info>(
      revision: 0, Info0.self, abiSize: Int(xt_bpf_info_size), userSize: 520,
      upgrade: { Info(count: $0.count, program: $0.program) },
      downgrade: { $0.mode == Mode.bytecode ? Info0(count: $0.count, program: $0.program) : nil }),
    Layout<Info>(revision: 1, abiSize: Int(xt_bpf_info_v1_size), userSize: 520),
  ]
  public static let examples: [Example] = [
    .matches("--bytecode \"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\"", "eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S"),
    .misses("--bytecode \"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .rejects("--bytecode \"2,6 0 0 0\""), .rejects("--bytecode \"1,5 0 0 9\""), .rejects(""),
    .rejects("--bytecode \"1,6 0 0 0\" --object-pinned /sys/fs/bpf/prog"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.contains("--bytecode") == seen.contains("--object-pinned") {
      throw OptionError("missing-option", "bpf: one of --bytecode or --pinned is required")
    }
  }

  public static func hostUses(_ info: Info) -> [HostUse] { info.mode == Mode.bytecode ? [] : [.pinnedProgram] }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.glue("match bpf ")
    switch info.mode {
    case Mode.bytecode:
      let lines = info.instructions.map(\.text)
      text.glue(lines.joined(separator: ","))
      // iptables ends the program with a NUL.
      if !lines.isEmpty { text.glue(bytes: [0]) }
    case Mode.pinned:
      text.glue("pinned ")
      text.glue(bytes: info.path)
    default: text.glue("unknown")
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.mode > 2 || info.count > 64 { throw .kernel("bpf: unknown mode, or a program too long") }
    if info.mode == Mode.bytecode, let fault = BPFProgram.fault(info.instructions) {
      throw .kernel("bpf: \(fault)", hint: "the kernel's `bpf_check_classic` refuses such a program")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    guard info.mode == Mode.bytecode else {
      return .unknown(UnknownReason("-m bpf", needs: "the BPF program \(String(decoding: info.path, as: UTF8.self)) in the kernel"))
    }
    let program = info.instructions
    let field = Field("bpf.\(program.map(\.text).joined(separator: ","))", bits: 1, FieldTraits(.bytes)) { context in
      context.asked { BPFProgram.run(program, on: $0) } ?? .unknown(PacketContext.unknownChecksum("-m bpf"))
    }
    return .equals(field, 1)
  }
}
