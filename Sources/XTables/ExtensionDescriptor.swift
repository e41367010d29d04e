/// An ``Extension`` with its type erased and its declarations resolved once, as parser, printer and compiler use it.
public final class ExtensionDescriptor: Sendable {
  public enum Kind: String, Sendable {
    case match, target
  }

  public let kind: Kind
  public let name: String
  public let kernelName: String
  public let aliases: [String]
  public let families: Families
  public let summary: String
  public let options: [OptionDescriptor]
  public let layouts: [LayoutDescriptor]
  public let examples: [Example]
  public let behaviour: Behaviour
  /// The bytes of `initial` in the newest layout.
  public let template: [UInt8]

  private let applyOption: @Sendable (Int, inout [UInt8], OptionArguments) throws(OptionError) -> Void
  private let finishPayload: @Sendable (inout [UInt8], Set<String>, RuleDraft) throws(OptionError) -> Void
  private let checkPayload: @Sendable ([UInt8], RuleSite) throws(OptionError) -> Void
  private let claimsPayload: @Sendable ([UInt8]) -> Bool
  private let savePayload: @Sendable ([UInt8], Family, inout RuleText) -> Void
  private let scopeOf: @Sendable (Family) -> Scope

  /// What a match decides or a target does.
  public enum Behaviour: Sendable {
    case match(MatchBehaviour)
    case target(TargetBehaviour)
  }

  init<E: Extension>(_: E.Type, kind: Kind, behaviour: Behaviour) {
    self.kind = kind
    self.behaviour = behaviour
    name = E.name
    kernelName = E.kernelName
    aliases = E.aliases
    families = E.families
    summary = E.summary
    examples = E.examples
    let declared = E.options
    options = declared.map(OptionDescriptor.init)
    let revisions = E.layouts
    precondition(!revisions.isEmpty, "\(E.self) declares no layout")
    layouts = revisions.map(LayoutDescriptor.init)
    template = Payload.encode(E.initial)

    applyOption = { index, payload, arguments throws(OptionError) in
      var info = Self.info(E.self, payload)
      try declared[index].read(&info, arguments)
      Payload.store(info, in: &payload, at: 0)
    }
    finishPayload = { payload, seen, draft throws(OptionError) in
      var info = Self.info(E.self, payload)
      try E.finish(&info, seen: seen, draft)
      Payload.store(info, in: &payload, at: 0)
    }
    checkPayload = { payload, site throws(OptionError) in try E.check(Self.info(E.self, payload), site) }
    claimsPayload = { E.claims(Self.info(E.self, $0)) }
    savePayload = { payload, family, text in
      text.family = family
      E.save(Self.info(E.self, payload), family: family, to: &text)
    }
    scopeOf = E.scope
  }

  /// A payload shorter than its structure can only come from a blob, and is refused there; here the template stands in.
  private static func info<E: Extension>(_: E.Type, _ payload: [UInt8]) -> E.Info {
    Payload.load(E.Info.self, from: payload) ?? E.initial
  }

  /// The revision in which this extension's payloads are kept.
  public var revision: UInt8 { layouts[layouts.count - 1].revision }

  public func apply(option index: Int, to payload: inout [UInt8], _ arguments: OptionArguments) throws(OptionError) {
    try applyOption(index, &payload, arguments)
  }

  /// Checks what the options said of each other (mandatory, exclusive, required), then asks the extension.
  public func finish(_ payload: inout [UInt8], seen: Set<String>, _ draft: RuleDraft) throws(OptionError) {
    for option in options {
      if option.isMandatory, !seen.contains(option.name) {
        throw OptionError("missing-option", "\(name): option \"\(option.name)\" must be specified")
      }
      guard seen.contains(option.name) else { continue }
      if let other = option.excludes.first(where: seen.contains) {
        throw OptionError(
          "exclusive-options", "\(name): option \"\(option.name)\" cannot be used together with \"\(other)\".")
      }
      if let other = option.requires.first(where: { !seen.contains($0) }) {
        throw OptionError("missing-option", "\(name): option \"\(option.name)\" also requires \"\(other)\".")
      }
    }
    try finishPayload(&payload, seen, draft)
  }

  /// Scope and `checkentry`: what the kernel would refuse when it translates the table.
  public func check(_ payload: [UInt8], _ site: RuleSite) throws(OptionError) {
    if let objection = scopeOf(site.family).objection(to: name, at: site) { throw objection }
    try checkPayload(payload, site)
  }

  public func claims(_ payload: [UInt8]) -> Bool { claimsPayload(payload) }

  public func save(_ payload: [UInt8], family: Family, to text: inout RuleText) { savePayload(payload, family, &text) }

  public func scope(_ family: Family) -> Scope { scopeOf(family) }

  /// Whether `word` names this extension.
  public func answers(to word: String) -> Bool { name == word || aliases.contains(word) }
}

/// One option of an erased extension.
public struct OptionDescriptor: Sendable {
  public let name: String
  public let short: Character?
  public let aliases: [String]
  public let arity: Int
  public let placeholder: String
  public let grammar: String
  public let samples: [String]
  public let nearMisses: [String]
  public let isInvertible: Bool
  public let isRepeatable: Bool
  public let isMandatory: Bool
  public let excludes: [String]
  public let requires: [String]
  public let summary: String

  init<Info>(_ option: Option<Info>) {
    name = option.name
    short = option.short
    aliases = option.aliases
    arity = option.arity
    placeholder = option.placeholder
    grammar = option.grammar
    samples = option.samples
    nearMisses = option.nearMisses
    isInvertible = option.isInvertible
    isRepeatable = option.isRepeatable
    isMandatory = option.isMandatory
    excludes = option.excludes
    requires = option.requires
    summary = option.summary
  }
}

/// One revision of an erased extension: converts between the kernel's bytes and the newest revision's.
public struct LayoutDescriptor: Sendable {
  public let revision: UInt8
  public let size: Int
  public let userSize: Int
  /// Kernel bytes of this revision → payload of the newest.
  public let upgrade: @Sendable ([UInt8]) -> [UInt8]?
  /// Payload of the newest revision → kernel bytes of this one.
  public let downgrade: @Sendable ([UInt8]) -> [UInt8]?

  init<Info: BitwiseCopyable & Sendable>(_ layout: Layout<Info>) {
    revision = layout.revision
    size = layout.size
    userSize = layout.userSize
    upgrade = { bytes in layout.decode(bytes).map { Payload.encode($0) } }
    downgrade = { payload in Payload.load(Info.self, from: payload).flatMap(layout.encode) }
  }
}
