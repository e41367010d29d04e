public import Diagnostics
public import XTables

/// What a change does to an ipset.
public struct SetReport: Encodable, Sendable, Equatable {
  /// What happens to a set.
  public enum Kind: String, Encodable, Sendable {
    /// The set is created.
    case created
    /// The set gets other elements or options.
    case changed
    /// The set is deleted.
    case deleted
  }

  /// The set's name.
  public let name: String
  /// What happens to it.
  public let kind: Kind
  /// The elements that it gets, as `ipset save` prints them.
  public let added: [String]
  /// The elements that it loses.
  public let removed: [String]
  /// Whether its options change, such as `maxelem`.
  public let changesOptions: Bool

  /// The greatest number of elements that the text names.
  private static let most = 10

  /// - Parameters:
  ///   - before: the loaded set; nil if there is none.
  ///   - after: the new set; nil if it is deleted.
  public init(_ name: String, before: AddressSet?, after: AddressSet?) {
    self.name = name
    kind = before == nil ? .created : after == nil ? .deleted : .changed
    func all(_ set: AddressSet?) -> [String] {
      set.map { set in set.memberNames + set.elements.map { set.text(of: $0.values) }.sorted() } ?? []
    }
    if let before, let after {
      (added, removed) = (after.elements(missingIn: before), before.elements(missingIn: after))
      changesOptions = !before.hasSameForm(as: after)
    } else {
      (added, removed, changesOptions) = (all(after), all(before), false)
    }
  }

  /// One line for each kind of difference, such as `set blocked: changed` and `  + 10.0.0.1`.
  public var text: TerminalText {
    var text: TerminalText = "set \(name): \(kind.rawValue)\(changesOptions ? ", with other options" : "")\n"
    for (sign, elements) in [("-", removed), ("+", added)] {
      for element in elements.prefix(Self.most) { text = "\(text)  \(sign) \(element)\n" }
      if elements.count > Self.most { text = "\(text)  \(sign) and \(elements.count - Self.most) more\n" }
    }
    return text
  }
}
