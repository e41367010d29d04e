import Diagnostics
import XTables

/// Finds an option by name as `getopt_long` does: an exact name first, then an unambiguous prefix.
struct OptionScanner {
  /// The option that a name stands for.
  enum Found: Equatable {
    case global(GlobalOption)
    /// An option of a match, by the index of the match in the rule and the index of the option.
    case match(index: Int, option: Int)
    case target(option: Int)
  }

  enum Lookup {
    case found(Found)
    case ambiguous([String])
    case unknown
  }

  /// Finds an option by its long name: iptables' own options first, then those of the extensions, the one loaded last first.
  static func lookup(_ name: ArraySlice<UInt8>, in builder: borrowing RuleBuilder) -> Lookup {
    var prefix: Found?
    var names: [String] = []
    var isAmbiguous = false

    func visit(_ candidate: [UInt8], _ found: Found) -> Bool {
      guard candidate.first == name.first, candidate.count >= name.count, candidate.starts(with: name) else { return false }
      if candidate.count == name.count { return true }
      if let known = prefix {
        if known != found { isAmbiguous = true }
      } else {
        prefix = found
      }
      names.append("--" + String(decoding: candidate, as: UTF8.self))
      return false
    }

    for (global, option) in GlobalOption.longNames(from: name.first) where visit(global, .global(option)) { return .found(.global(option)) }
    if let target = builder.target {
      for name in target.descriptor.optionNames where visit(name.bytes, .target(option: name.option)) {
        return .found(.target(option: name.option))
      }
    }
    for first in builder.matches.indices.reversed() {
      guard let index = builder.latestUse(ofMatchFirstNamedAt: first) else { continue }
      for name in builder.matches[index].descriptor.optionNames
      where visit(name.bytes, .match(index: index, option: name.option)) {
        return .found(.match(index: index, option: name.option))
      }
    }
    if isAmbiguous { return .ambiguous(names) }
    return prefix.map { .found($0) } ?? .unknown
  }

  /// Finds an option by its whole name.
  static func exact(_ name: ArraySlice<UInt8>, in builder: borrowing RuleBuilder) -> Found? {
    guard case .found(let found) = lookup(name, in: builder) else { return nil }
    let names: [[UInt8]] =
      switch found {
      case .global(let option): option.longNames.map { Array($0.utf8) }
      case .match(let index, let option):
        builder.matches[index].descriptor.optionNames.filter { $0.option == option }.map(\.bytes)
      case .target(let option): builder.target?.descriptor.optionNames.filter { $0.option == option }.map(\.bytes) ?? []
      }
    return names.contains { $0.elementsEqual(name) } ? found : nil
  }

  /// Finds an option by its letter: iptables' own letters first, then those of the extensions.
  static func lookup(letter: UInt8, in builder: borrowing RuleBuilder) -> Found? {
    if let global = GlobalOption(letter: letter) { return .global(global) }
    let character = Character(UnicodeScalar(letter))
    if let option = builder.target?.descriptor.options.firstIndex(where: { $0.short == character }) {
      return .target(option: option)
    }
    for first in builder.matches.indices.reversed() {
      guard let index = builder.latestUse(ofMatchFirstNamedAt: first) else { continue }
      if let option = builder.matches[index].descriptor.options.firstIndex(where: { $0.short == character }) {
        return .match(index: index, option: option)
      }
    }
    return nil
  }

  /// All long names that are known here, for "did you mean".
  static func allNames(in builder: borrowing RuleBuilder) -> [String] {
    GlobalOption.allCases.flatMap(\.longNames).map { "--" + $0 }
      + (builder.matches + [builder.target].compactMap { $0 })
      .flatMap { $0.descriptor.options.flatMap { [$0.name] + $0.aliases } }
  }
}
