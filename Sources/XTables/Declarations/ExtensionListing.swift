import Synchronization

/// The names of a match or target, and its descriptor, which is made at first use.
///
/// A rule uses three or four of more than a hundred extensions, so a process that reads one rule makes only those descriptors.
public final class ExtensionListing: Sendable {
  /// Whether the extension is a match or a target.
  public let kind: ExtensionDescriptor.Kind
  /// The name after `-m` or `-j`.
  public let name: String
  /// The name in the kernel's structures.
  public let kernelName: String
  /// Further names that users may write.
  public let aliases: [String]
  /// The families in which the extension exists.
  public let families: Families
  /// The name and the aliases as bytes.
  private let words: [[UInt8]]
  private let make: @Sendable () -> ExtensionDescriptor
  private let nativeForm: @Sendable () -> Bool
  private let declaredTraits: @Sendable () -> ExtensionTraits
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
    nativeForm = { E.native != nil }
    declaredTraits = { E.traits }
  }

  /// Creates a listing for a finished descriptor.
  public init(_ descriptor: ExtensionDescriptor) {
    kind = descriptor.kind
    name = descriptor.name
    kernelName = descriptor.kernelName
    aliases = descriptor.aliases
    families = descriptor.families
    words = ([descriptor.name] + descriptor.aliases).map { Array($0.utf8) }
    make = { descriptor }
    nativeForm = { descriptor.native != nil }
    declaredTraits = { descriptor.traits }
  }

  /// Whether iptables-nft writes the extension in expressions of nf_tables. The descriptor is not made for that, nor for ``traits``.
  var hasNativeForm: Bool { nativeForm() }
  /// The properties on which programs around the language depend.
  var traits: ExtensionTraits { declaredTraits() }

  /// The descriptor, made at the first call. All calls from all threads return the same object.
  public var descriptor: ExtensionDescriptor {
    made.withLock { made in
      if let made { return made }
      let fresh = make()
      made = fresh
      return fresh
    }
  }

  /// Whether `word` is the name or an alias of this extension.
  func answers(to word: ArraySlice<UInt8>) -> Bool { words.contains { $0.count == word.count && $0.elementsEqual(word) } }
}
