import Synchronization

/// A match or target as a registry lists it: what it is called, and its descriptor, which is made when somebody first asks.
///
/// A rule names three or four of more than a hundred extensions; a process that reads one rule makes no more than those.
public final class ExtensionListing: Sendable {
  public let kind: ExtensionDescriptor.Kind
  public let name: String
  public let kernelName: String
  public let aliases: [String]
  public let families: Families
  /// The name and the aliases as bytes.
  private let words: [[UInt8]]
  private let make: @Sendable () -> ExtensionDescriptor
  private let made = Mutex<ExtensionDescriptor?>(nil)

  @usableFromInline
  init<E: Extension>(_: E.Type, kind: ExtensionDescriptor.Kind, make: @escaping @Sendable () -> ExtensionDescriptor) {
    self.kind = kind
    name = E.name
    kernelName = E.kernelName
    aliases = E.aliases
    families = E.families
    words = ([E.name] + E.aliases).map { Array($0.utf8) }
    self.make = make
  }

  /// An extension whose descriptor is there already.
  public init(_ descriptor: ExtensionDescriptor) {
    kind = descriptor.kind
    name = descriptor.name
    kernelName = descriptor.kernelName
    aliases = descriptor.aliases
    families = descriptor.families
    words = ([descriptor.name] + descriptor.aliases).map { Array($0.utf8) }
    make = { descriptor }
  }

  /// The same one at every call, whichever thread asks.
  public var descriptor: ExtensionDescriptor {
    made.withLock { made in
      if let made { return made }
      let fresh = make()
      made = fresh
      return fresh
    }
  }

  /// Whether `word` names this extension.
  func answers(to word: ArraySlice<UInt8>) -> Bool { words.contains { $0.count == word.count && $0.elementsEqual(word) } }
}
