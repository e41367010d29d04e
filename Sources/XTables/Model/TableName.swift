public import Netfilter

/// One of the five tables of the kernel.
public enum TableName: String, Sendable, CaseIterable, Hashable {
  case raw, mangle, nat, filter, security

  /// The hooks at which the table has a built-in chain, in ascending order of their numbers (`valid_hooks`).
  public var hooks: [Hook] { hookMask.hooks }

  /// The same hooks as a set.
  public var hookMask: HookMask {
    switch self {
    case .raw: [.prerouting, .output]
    case .mangle: .all
    case .nat: [.prerouting, .input, .output, .postrouting]
    case .filter, .security: [.input, .forward, .output]
    }
  }
}

/// A set of hooks. Bit N stands for hook number N, as in the kernel's `hook_mask`.
public struct HookMask: OptionSet, Sendable, Hashable {
  /// The bits, by hook number.
  public let rawValue: UInt32

  /// Creates a set from its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Creates a set of several hooks.
  public init(_ hooks: some Sequence<Hook>) {
    rawValue = hooks.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  }

  /// Creates a set of one hook.
  public init(_ hook: Hook) { rawValue = 1 << UInt32(hook.rawValue) }

  /// PREROUTING.
  public static let prerouting = HookMask(Hook.prerouting)
  /// INPUT.
  public static let input = HookMask(Hook.input)
  /// FORWARD.
  public static let forward = HookMask(Hook.forward)
  /// OUTPUT.
  public static let output = HookMask(Hook.output)
  /// POSTROUTING.
  public static let postrouting = HookMask(Hook.postrouting)
  /// All five hooks.
  public static let all: HookMask = [.prerouting, .input, .forward, .output, .postrouting]

  /// The hooks in ascending order of their numbers.
  public var hooks: [Hook] { Hook.allCases.filter { contains(HookMask($0)) } }
}
