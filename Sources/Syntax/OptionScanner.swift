import Diagnostics
import XTables

/// Finds the option a word names, as `getopt_long` does: exact names first, then unambiguous beginnings.
struct OptionScanner {
  /// What a name stands for.
  enum Found: Equatable {
    case global(GlobalOption)
    /// An option of a match, by its position in the rule, or of the target.
    case match(index: Int, option: Int)
    case target(option: Int)
  }

  enum Lookup {
    case found(Found)
    case ambiguous([String])
    case unknown
  }

  /// The names a rule's options may have, the rule's own first, then the extension loaded last, then the older ones.
  static func lookup(_ name: ArraySlice<UInt8>, in builder: RuleBuilder) -> Lookup {
    var prefix: Found?
    var names: [String] = []
    var isAmbiguous = false
    var exact: Found?

    func visit(_ candidate: some Collection<UInt8>, _ found: Found) -> Bool {
      guard candidate.starts(with: name) else { return false }
      if candidate.count == name.count {
        exact = found
        return true
      }
      if let known = prefix {
        if known != found { isAmbiguous = true }
      } else {
        prefix = found
      }
      names.append("--" + String(decoding: candidate, as: UTF8.self))
      return false
    }

    for (global, option) in GlobalOption.byLongName where visit(global, .global(option)) { return .found(exact ?? .global(option)) }
    for source in loadOrder(builder) {
      let descriptor = source.descriptor
      for (index, option) in descriptor.options.enumerated() {
        let found: Found = source.match.map { .match(index: $0, option: index) } ?? .target(option: index)
        if visit(option.name.utf8.dropFirst(2), found) { return .found(found) }
        for alias in option.aliases where visit(alias.utf8.dropFirst(2), found) { return .found(found) }
      }
    }
    if isAmbiguous { return .ambiguous(names) }
    return prefix.map { .found($0) } ?? .unknown
  }

  /// A one-letter option; an extension's letters come after the rule's own.
  static func lookup(letter: Character, in builder: RuleBuilder) -> Found? {
    if let global = GlobalOption(rawValue: letter), global.hasLetter { return .global(global) }
    for source in loadOrder(builder) {
      if let index = source.descriptor.options.firstIndex(where: { $0.short == letter }) {
        return source.match.map { .match(index: $0, option: index) } ?? .target(option: index)
      }
    }
    return nil
  }

  private static func loadOrder(_ builder: RuleBuilder) -> [(descriptor: ExtensionDescriptor, match: Int?)] {
    var order: [(descriptor: ExtensionDescriptor, match: Int?)] = []
    order.reserveCapacity(builder.matches.count + 1)
    if let target = builder.target { order.append((target.descriptor, nil)) }
    for index in builder.matches.indices.reversed() { order.append((builder.matches[index].descriptor, index)) }
    return order
  }

  /// Every long name that would be known here, for "did you mean".
  static func allNames(in builder: RuleBuilder) -> [String] {
    GlobalOption.allCases.flatMap(\.longNames).map { "--" + $0 }
      + loadOrder(builder).flatMap { $0.descriptor.options.flatMap { [$0.name] + $0.aliases } }
  }
}
