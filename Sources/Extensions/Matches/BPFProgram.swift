import Netfilter
import Wire
import XTables

/// A classic BPF instruction. The corresponding kernel structure is `sock_filter`.
struct BPFInstruction: BitwiseCopyable, Sendable {
  var code: UInt16 = 0
  var ifTrue: UInt8 = 0
  var ifFalse: UInt8 = 0
  var k: UInt32 = 0

  var text: String { "\(code) \(ifTrue) \(ifFalse) \(k)" }

  /// The eight bytes in memory order.
  var octets: [UInt8] {
    [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8), ifTrue, ifFalse]
      + (0..<4).map { UInt8(truncatingIfNeeded: k >> UInt32(8 * $0)) }
  }
}

extension BPFInstruction {
  init(octets: ArraySlice<UInt8>) {
    let bytes = Array(octets)
    self.init(
      code: UInt16(bytes[0]) | UInt16(bytes[1]) << 8, ifTrue: bytes[2], ifFalse: bytes[3],
      k: (0..<4).reduce(0) { $0 | UInt32(bytes[4 + $1]) << UInt32(8 * $1) })
  }
}

/// Parses a program in the output format of `nfbpf_compile`; the corresponding C function is `bpf_parse_string`.
enum BPFText {
  static func parse(_ token: Token, _ arguments: OptionArguments) throws(OptionError) -> [BPFInstruction] {
    func refuse(_ message: String) -> OptionError {
      OptionError(
        "bad-bytecode", "bpf: \(message)", at: token.range, hint: "write the number of instructions, then each as `code jt jf k`")
    }
    let parts = token.split(on: ",")
    guard parts.count > 1, let length = CNumber(parts[0].bytes, base: .decimal), length.rest.isEmpty else {
      throw refuse("error parsing program length")
    }
    let count = arguments.keep(length, as: UInt16(truncatingIfNeeded: length.wrapped))
    guard count > 0 else { throw refuse("illegal zero length program") }
    guard count <= 64 else { throw refuse("number of instructions exceeds maximum") }
    var program: [BPFInstruction] = []
    for part in parts.dropFirst() {
      // A trailing comma starts no instruction.
      if part.bytes.isEmpty, part.bytes.startIndex == token.bytes.endIndex { break }
      guard program.count < count else { throw refuse("real program length exceeds the encoded length parameter") }
      guard let fields = numbers(part, 4) else { throw refuse("error at instr \(program.count)") }
      program.append(
        BPFInstruction(
          code: arguments.keep(fields[0], as: UInt16(truncatingIfNeeded: fields[0].wrapped)),
          ifTrue: arguments.keep(fields[1], as: UInt8(truncatingIfNeeded: fields[1].wrapped)),
          ifFalse: arguments.keep(fields[2], as: UInt8(truncatingIfNeeded: fields[2].wrapped)),
          k: arguments.keep(fields[3], as: UInt32(truncatingIfNeeded: fields[3].wrapped))))
    }
    guard program.count == count else { throw refuse("parsed program length is less than the encoded length parameter") }
    return program
  }

  /// Parses `count` decimal numbers at the start, as `scanf` does. The caller stores as many low bits as the field has.
  private static func numbers(_ token: Token, _ count: Int) -> [CNumber]? {
    var rest = token.bytes
    var result: [CNumber] = []
    while result.count < count {
      guard let number = CNumber(rest, base: .decimal) else { return nil }
      result.append(number)
      rest = number.rest
    }
    return result
  }
}

/// Classic BPF: verifies and runs a program.
enum BPFProgram {
  private enum Class {
    static let ld: UInt16 = 0, ldx: UInt16 = 1, st: UInt16 = 2, stx: UInt16 = 3
    static let alu: UInt16 = 4, jmp: UInt16 = 5, ret: UInt16 = 6, misc: UInt16 = 7
  }

  /// The bases of negative offsets: ancillary data, the network header, the link header.
  private enum Base {
    static let ancillary: Int64 = -0x1000
    static let network: Int64 = -0x10_0000
    static let link: Int64 = -0x20_0000
  }

  /// The valid opcodes except jumps.
  private static let codes: Set<UInt16> = {
    var codes: Set<UInt16> = [0x00, 0x01, 0x80, 0x81, 0x60, 0x61, 0x02, 0x03, 0xb1, 0x06, 0x16, 0x07, 0x87]
    for size: UInt16 in [0x00, 0x08, 0x10] { codes.formUnion([0x20 | size, 0x40 | size]) }
    for operation: UInt16 in [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0] {
      codes.formUnion([0x04 | operation, 0x0c | operation])
    }
    codes.insert(0x84)
    codes.insert(0x05)
    for operation: UInt16 in [0x10, 0x20, 0x30, 0x40] { codes.formUnion([0x05 | operation, 0x0d | operation]) }
    return codes
  }()

  /// Why the kernel refuses a program; nil if it accepts it. The corresponding kernel function is `bpf_check_classic`.
  static func fault(_ program: [BPFInstruction]) -> String? {
    guard let last = program.last else { return "an empty program" }
    guard last.code & 0x07 == Class.ret else { return "a program must end with a return" }
    for (index, instruction) in program.enumerated() {
      guard codes.contains(instruction.code) else { return "there is no instruction \(instruction.code)" }
      let left = program.count - index - 1
      switch instruction.code & 0x07 {
      case Class.jmp:
        let farthest = instruction.code == 0x05 ? Int(instruction.k) : Int(max(instruction.ifTrue, instruction.ifFalse))
        if farthest >= left { return "instruction \(index) jumps out of the program" }
      case Class.alu where instruction.code & 0x08 == 0:
        if [0x30, 0x90].contains(instruction.code & 0xf0), instruction.k == 0 { return "instruction \(index) divides by zero" }
        if [0x60, 0x70].contains(instruction.code & 0xf0), instruction.k >= 32 { return "instruction \(index) shifts too far" }
      case Class.st, Class.stx: if instruction.k >= 16 { return "instruction \(index) has no such memory" }
      case Class.ld, Class.ldx:
        if instruction.code & 0xe0 == 0x60, instruction.k >= 16 { return "instruction \(index) has no such memory" }
        // There are sixteen ancillary values, `SKF_AD_PROTOCOL` to `SKF_AD_VLAN_TPID`; their numbers are multiples of four.
        let ancillary = Int64(Int32(bitPattern: instruction.k)) - Base.ancillary
        if instruction.code & 0xe7 == 0x20, (0..<0x1000).contains(ancillary), ancillary > 60 || ancillary % 4 != 0 {
          return "instruction \(index) reads an unknown ancillary value"
        }
      default: break
      }
    }
    return nil
  }

  private struct Machine {
    var accumulator: UInt32 = 0
    var index: UInt32 = 0
    var memory = InlineArray<16, UInt32>(repeating: 0)
  }

  /// The result of a load.
  private enum Load {
    case value(UInt32)
    /// Outside the packet: the program returns 0.
    case outside
    case unknown(String)
  }

  /// Runs a program on a packet: 1 if it returns anything but 0.
  static func run(_ program: [BPFInstruction], on context: PacketContext) -> FieldValue {
    var machine = Machine()
    var at = 0
    // Jumps go forward only, so each instruction runs at most once.
    while at < program.count {
      let instruction = program[at]
      at += 1
      switch instruction.code & 0x07 {
      case Class.ret: return .of((instruction.code == 0x16 ? machine.accumulator : instruction.k) != 0)
      case Class.jmp: at += jump(instruction, machine)
      case Class.alu:
        guard let result = compute(instruction, machine) else { return .of(false) }
        machine.accumulator = result
      case Class.st: machine.memory[Int(instruction.k & 15)] = machine.accumulator
      case Class.stx: machine.memory[Int(instruction.k & 15)] = machine.index
      case Class.misc:
        if instruction.code & 0x80 == 0 { machine.index = machine.accumulator } else { machine.accumulator = machine.index }
      default:
        switch load(instruction, machine, context) {
        case .outside: return .of(false)
        case .unknown(let what): return .unknown(UnknownReason("-m bpf", needs: what))
        case .value(let value):
          if instruction.code & 0x07 == Class.ld { machine.accumulator = value } else { machine.index = value }
        }
      }
    }
    return .of(false)
  }

  private static func jump(_ instruction: BPFInstruction, _ machine: Machine) -> Int {
    let operand = instruction.code & 0x08 != 0 ? machine.index : instruction.k
    let holds: Bool
    switch instruction.code & 0xf0 {
    case 0x00: return Int(instruction.k)
    case 0x10: holds = machine.accumulator == operand
    case 0x20: holds = machine.accumulator > operand
    case 0x30: holds = machine.accumulator >= operand
    default: holds = machine.accumulator & operand != 0
    }
    return Int(holds ? instruction.ifTrue : instruction.ifFalse)
  }

  /// The result of an arithmetic instruction; nil for a division by zero, which ends the program.
  private static func compute(_ instruction: BPFInstruction, _ machine: Machine) -> UInt32? {
    let a = machine.accumulator
    let b = instruction.code & 0x08 != 0 ? machine.index : instruction.k
    switch instruction.code & 0xf0 {
    case 0x00: return a &+ b
    case 0x10: return a &- b
    case 0x20: return a &* b
    case 0x30: return b == 0 ? nil : a / b
    case 0x40: return a | b
    case 0x50: return a & b
    case 0x60: return a &<< b
    case 0x70: return a &>> b
    case 0x80: return 0 &- a
    case 0x90: return b == 0 ? nil : a % b
    default: return a ^ b
    }
  }

  private static func load(_ instruction: BPFInstruction, _ machine: Machine, _ context: PacketContext) -> Load {
    let signed = Int64(Int32(bitPattern: instruction.k))
    switch instruction.code & 0xe0 {
    case 0x00: return .value(instruction.k)
    case 0x60: return .value(machine.memory[Int(instruction.k & 15)])
    case 0x80: return .value(UInt32(truncatingIfNeeded: context.packet.count))
    case 0xa0:
      // Four times the low nibble of a byte: the length of an IP header.
      guard let byte = byte(signed, context.packet.bytes) else { return .outside }
      return .value(UInt32(byte & 15) * 4)
    case 0x20 where signed >= Base.ancillary && signed < 0: return ancillary(signed - Base.ancillary, machine, context)
    default:
      let offset =
        instruction.code & 0xe0 == 0x40 ? Int64(Int32(truncatingIfNeeded: signed &+ Int64(Int32(bitPattern: machine.index)))) : signed
      if offset < Base.network, offset >= Base.link { return .unknown("the link header of the packet") }
      let size = [0x00: 4, 0x08: 2, 0x10: 1][Int(instruction.code & 0x18)] ?? 1
      var value: UInt32 = 0
      for place in 0..<Int64(size) {
        guard let byte = byte(offset + place, context.packet.bytes) else { return .outside }
        value = value << 8 | UInt32(byte)
      }
      return .value(value)
    }
  }

  private static func byte(_ offset: Int64, _ bytes: [UInt8]) -> UInt8? {
    if offset >= 0 { return bytes.uint8(at: Int(offset)) }
    return offset >= Base.network && offset < Base.ancillary ? bytes.uint8(at: Int(offset - Base.network)) : nil
  }

  /// An ancillary value (`SKF_AD_*`): data of the kernel beside the packet's bytes.
  private static func ancillary(_ number: Int64, _ machine: Machine, _ context: PacketContext) -> Load {
    switch number {
    case 0: .value(context.family == .ipv4 ? 0x0800 : 0x86dd)
    case 4: .value(UInt32(context.packet.type.rawValue))
    case 8:
      .value(UInt32(bitPattern: (context.hook == .output || context.hook == .postrouting ? context.output : context.input)?.index ?? 0))
    case 20: .value(context.mark)
    case 40: .value(machine.accumulator ^ machine.index)
    case 52: .value(UInt32(truncatingIfNeeded: context.packet.transport?.offset ?? 0))
    default: .unknown("the kernel's ancillary value \(number)")
    }
  }
}
