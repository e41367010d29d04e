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
    /// The set was to be deleted, and something else names it.
    case stays
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
  /// Why a set stays, such as `rule 2 of INPUT in the iptables table nat names it`; nil for others.
  public let reason: String?

  /// The greatest number of elements that the text names.
  private static let most = 10

  /// - Parameters:
  ///   - before: the loaded set; nil if there is none.
  ///   - after: the new set; nil if it is deleted.
  ///   - reason: why a set is not deleted that is to be; nil if it is.
  public init(_ name: String, before: AddressSet?, after: AddressSet?, staysBecause reason: String? = nil) {
    self.name = name
    self.reason = reason
    guard reason == nil else {
      (kind, added, removed, changesOptions) = (.stays, [], [], false)
      return
    }
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
    var text: TerminalText =
      "set \(name): \(kind.rawValue)\(changesOptions ? ", with other options" : "")\(reason.map { ", because \($0)" } ?? "")\n"
    for (sign, elements) in [("-", removed), ("+", added)] {
      for element in elements.prefix(Self.most) { text += "  \(sign) \(element)\n" }
      if elements.count > Self.most { text += "  \(sign) and \(elements.count - Self.most) more\n" }
    }
    return text
  }
}
