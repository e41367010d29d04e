public import Conntrack

/// One of the five tables of the kernel.
public enum TableName: String, Sendable, CaseIterable, Hashable {
  case raw, mangle, nat, filter, security

  /// The hooks at which the table has a built-in chain, in the order of the kernel's `valid_hooks`.
  public var hooks: [Hook] { hookMask.hooks }

  public var hookMask: HookMask {
    switch self {
    case .raw: [.prerouting, .output]
    case .mangle: .all
    case .nat: [.prerouting, .input, .output, .postrouting]
    case .filter, .security: [.input, .forward, .output]
    }
  }
}

/// A set of hooks, with the bits of the kernel's `hook_mask`.
public struct HookMask: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ hooks: some Sequence<Hook>) {
    rawValue = hooks.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  }

  /// One hook alone.
  public init(_ hook: Hook) { rawValue = 1 << UInt32(hook.rawValue) }

  public static let prerouting = HookMask(Hook.prerouting)
  public static let input = HookMask(Hook.input)
  public static let forward = HookMask(Hook.forward)
  public static let output = HookMask(Hook.output)
  public static let postrouting = HookMask(Hook.postrouting)
  public static let all: HookMask = [.prerouting, .input, .forward, .output, .postrouting]

  public var hooks: [Hook] { Hook.allCases.filter { contains(HookMask($0)) } }
}
