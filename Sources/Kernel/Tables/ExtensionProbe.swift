internal import Glibc
public import Wire

/// Asks which matches and targets the kernel has.
public struct ExtensionProbe: Sendable {
  /// The kind of an extension.
  public enum Kind: Sendable, Hashable { case match, target }

  /// The kernel's answer.
  public enum Answer: Sendable, Equatable {
    case has
    /// The kernel has the extension, but not in this revision.
    case otherRevision
    case lacks
    case failed(SystemError)
  }

  /// Creates a probe of the calling thread's network namespace.
  public init() {}

  /// Asks whether the kernel has an extension in a revision. The kernel loads the module if needed.
  public func has(_ kind: Kind, _ name: String, revision: UInt8, _ family: Family) -> Answer {
    guard name.utf8.count < 29, let socket = try? TableSocket(family) else { return .failed(.last) }
    guard let error = socket.refusal(of: kind, name, revision: revision) else { return .has }
    return switch error.number {
    case ENOENT: .lacks
    case EPROTONOSUPPORT: .otherRevision
    default: .failed(error)
    }
  }
}
