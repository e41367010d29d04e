/// Matches and targets of which only the words of the rule are known.
extension ExtensionDescriptor {
  /// Whether only the words of the rule are known. Such a rule can be printed, but not compiled.
  public var isUnread: Bool { if case .unread = origin { true } else { false } }

  /// Whether the part is a test of an address, `-s` or `-d`, which precedes the other parts of a rule.
  public var isUnreadAddress: Bool { isUnread && name.utf8.first == UInt8(ascii: "-") }

  /// Creates the descriptor of a part of a rule that nothing here can read. Its payload is the text of the rule.
  ///
  /// - Parameters:
  ///   - name: the name after `-m` or `-j`, or the option that cannot be read.
  ///   - length: the number of bytes of the text.
  ///   - reason: why the part cannot be decided.
  public convenience init(unread kind: Kind, named name: String, length: Int, because reason: UnknownReason) {
    self.init(
      facts: Facts(unknown: name, revision: 0, size: length), kind: kind, behaviour: .unknown(kind, reason), origin: .unread,
      apply: { _, _, _ in }, finish: { _, _, _ in }, check: { _, _ in }, claims: { _ in true },
      save: { payload, _, text in
        text.word("")
        text.glue(bytes: payload)
      },
      list: { payload, _, _, text in
        text.glue(bytes: payload)
        text.glue(" ")
      },
      start: nil, services: { _ in [] }, objects: { _ in [] }, effects: { _, _ in [.anything] },
      scope: { _ in .anywhere })
  }
}
