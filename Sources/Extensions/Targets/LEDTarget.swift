import CNetfilter
public import Wire
public import XTables

/// Lights an LED for the packet. Kernel: `xt_LED`, revision 0.
public enum LEDTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_led_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var trigger = FixedName<27>()
    var alwaysBlinks: UInt8 = 0
    /// Milliseconds; all ones means infinite.
    var delay: UInt32 = 0
    /// A pointer used by the kernel only; 0 in a rule's text.
    var state: UInt64 = 0
  }

  /// The prefix of all trigger names in the kernel.
  private static let prefix = "netfilter-"

  public static let name = "LED"
  public static let families: Families = .both
  public static let summary = "switches on an LED for a short time"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--led-trigger-id", arity: 1, placeholder: "name", grammar: "string", samples: ["foo", "\"a b\""],
      nearMisses: ["abcdefghijklmnopq"], .mandatory, "the name of the trigger; at most 16 bytes",
      read: { info, arguments throws(OptionError) in
        guard arguments.token.bytes.count <= 16 else {
          throw OptionError(
            "bad-value", "Argument must have a maximum length of 16 characters", at: arguments.token.range,
            hint: "shorten the name")
        }
        info.trigger = FixedName((Array(prefix.utf8) + arguments.token.bytes)[...])
      },
      write: { info, text in
        text.option("--led-trigger-id")
        // As iptables: always quoted.
        text.word("\"")
        for byte in info.trigger.bytes.dropFirst(prefix.utf8.count) {
          if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.glue("\\") }
          text.glue(bytes: [byte])
        }
        text.glue("\"")
      }),
    Option(
      "--led-delay", arity: 1, placeholder: "milliseconds|inf", grammar: "number | \"inf\"", samples: ["42", "inf"],
      nearMisses: ["-1", "x", "4294967296"], .plain, "how long it stays lit",
      read: { info, arguments throws(OptionError) in
        if "inf".isPrefixIgnoringCase(of: arguments.token) {
          info.delay = .max
        } else if let number = arguments.token.unsigned, number <= UInt64(UInt32.max) {
          info.delay = UInt32(number)
        } else {
          throw OptionError(
            "bad-value", "Delay value must be within range 0..4294967295", at: arguments.token.range,
            hint: "give milliseconds, or inf")
        }
      },
      write: { info, text in
        guard info.delay != 0 else { return }
        text.option("--led-delay")
        // iptables-save prints an infinite delay as a number that cannot be parsed.
        text.word(text.isReloadable ? info.delay == .max ? "inf" : String(info.delay) : String(Int32(bitPattern: info.delay)))
      }),
    Option(flag: "--led-always-blink", present: .bits(\.alwaysBlinks, 1), .plain, "blink even if the LED is on"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_led_info_size), userSize: 32)]
  public static let examples: [Example] = [
    .passes("--led-trigger-id \"foo\"", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", because: "the LEDs of the trigger are switched on"),
    .accepts(#"--led-trigger-id "foo""#), .accepts(#"--led-trigger-id "foo" --led-delay 42 --led-always-blink"#), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("led-trigger-id:\"")
    for byte in info.trigger.bytes.dropFirst(prefix.utf8.count) {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.glue("\\") }
      text.glue(bytes: [byte])
    }
    text.glue("\"")
    text.word(info.delay == .max ? "led-delay:inf" : "led-delay:\(Int32(bitPattern: info.delay))ms")
    if info.alwaysBlinks != 0 { text.word("led-always-blink") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.trigger.bytes.isEmpty { throw .kernel("LED: the trigger has no name") }
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    packet.note { _ in .note("LED switches on the LEDs of the trigger \(info.trigger.string)") }
    return .proceed
  }
}
