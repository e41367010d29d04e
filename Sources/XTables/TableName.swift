public import Conntrack

/// One of the five tables of the kernel.
public enum TableName: String, Sendable, CaseIterable, Hashable {
  case raw, mangle, nat, filter, security

  /// The hooks at which the table has a built-in chain, in the order of the kernel's `valid_hooks`.
  public var hooks: [Hook] {
    switch self {
    case .raw: [.prerouting, .output]
    case .mangle: [.prerouting, .input, .forward, .output, .postrouting]
    case .nat: [.prerouting, .input, .output, .postrouting]
    case .filter, .security: [.input, .forward, .output]
    }
  }

  public var hookMask: HookMask { HookMask(hooks) }
}

/// A set of hooks, with the bits of the kernel's `hook_mask`.
public struct HookMask: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ hooks: some Sequence<Hook>) {
    rawValue = hooks.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  }

  public static let prerouting = HookMask([.prerouting])
  public static let input = HookMask([.input])
  public static let forward = HookMask([.forward])
  public static let output = HookMask([.output])
  public static let postrouting = HookMask([.postrouting])
  public static let all: HookMask = [.prerouting, .input, .forward, .output, .postrouting]

  public var hooks: [Hook] { Hook.allCases.filter { contains(HookMask([$0])) } }
}
