import Conntrack
public import Wire

/// An ``Extension`` with its type erased and its declarations resolved once, as parser, printer and compiler use it.
public final class ExtensionDescriptor: Sendable {
  public enum Kind: String, Sendable {
    case match, target
  }

  public let kind: Kind
  public let name: String
  public let kernelName: String
  /// What stands before the structure in an entry; the corresponding kernel structures are `xt_entry_match` and
  /// `xt_entry_target`.
  public let entryHeader: [UInt8]
  public let aliases: [String]
  public let families: Families
  public let summary: String
  /// What `--help` shows behind the options.
  public var helpNotes: String { notes() }
  private let notes: @Sendable () -> String
  public let options: [OptionDescriptor]
  public let layouts: [LayoutDescriptor]
  public let examples: [Example]
  public let behaviour: Behaviour
  public let origin: Origin
  /// The bytes of `initial` in the newest layout.
  public let template: [UInt8]

  /// The names by which the options are found, in order, as bytes after the `--`.
  public let optionNames: [OptionName]
  /// The masks of the rules between options, by option index.
  private let mandatory: UInt64
  private let excluded: [UInt64]
  private let required: [UInt64]

  @usableFromInline let applyOption: @Sendable (Int, inout [UInt8], OptionArguments) throws(OptionError) -> Void
  @usableFromInline let finishPayload: @Sendable (inout [UInt8], SeenOptions, RuleDraft) throws(OptionError) -> Void
  @usableFromInline let checkPayload: @Sendable ([UInt8], RuleSite) throws(OptionError) -> Void
  @usableFromInline let claimsPayload: @Sendable ([UInt8]) -> Bool
  @usableFromInline let savePayload: @Sendable ([UInt8], Family, inout RuleText) -> Void
  @usableFromInline let listPayload: @Sendable ([UInt8], Family, Bool, inout RuleText) -> Void
  @usableFromInline let startPayload: @Sendable ([UInt8], Family, World) -> Void
  @usableFromInline let servicesOf: @Sendable ([UInt8]) -> KernelServices
  @usableFromInline let objectsOf: @Sendable ([UInt8]) -> [KernelObjectUse]
  @usableFromInline let effectsOf: @Sendable ([UInt8], EffectSite) -> [FieldEffect]
  private let scopes: (ipv4: Scope, ipv6: Scope)

  /// What a match decides or a target does.
  public enum Behaviour: Sendable {
    case match(MatchBehaviour)
    case target(TargetBehaviour)
  }

  /// Resolved where the extension is compiled, so that its closures are made for its own structure.
  @inlinable
  convenience init<E: Extension>(_: E.Type, kind: Kind, behaviour: Behaviour) {
    let declared = E.options
    self.init(
      facts: Facts(E.self, options: declared), kind: kind, behaviour: behaviour, origin: .declared,
      apply: { index, payload, arguments throws(OptionError) in
        var info = Payload.load(E.Info.self, from: payload) ?? E.initial
        try declared[index].read(&info, arguments)
        Payload.store(info, in: &payload, at: 0)
      },
      finish: { payload, seen, draft throws(OptionError) in
        var info = Payload.load(E.Info.self, from: payload) ?? E.initial
        try E.finish(&info, seen: seen, draft)
        Payload.store(info, in: &payload, at: 0)
      },
      check: { payload, site throws(OptionError) in
        try E.check(Payload.load(E.Info.self, from: payload) ?? E.initial, site)
      },
      claims: { E.claims(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      save: { payload, family, text in
        E.save(Payload.load(E.Info.self, from: payload) ?? E.initial, family: family, to: &text)
      },
      list: { payload, family, numeric, text in
        E.list(Payload.load(E.Info.self, from: payload) ?? E.initial, family: family, numeric: numeric, to: &text)
      },
      start: { payload, family, world in
        E.start(Payload.load(E.Info.self, from: payload) ?? E.initial, family: family, in: world)
      },
      services: { E.services(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      objects: { E.objects(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      effects: { E.effects(Payload.load(E.Info.self, from: $0) ?? E.initial, $1) }, scope: E.scope)
  }

  @usableFromInline
  init(
    facts: Facts, kind: Kind, behaviour: Behaviour, origin: Origin,
    apply: @escaping @Sendable (Int, inout [UInt8], OptionArguments) throws(OptionError) -> Void,
    finish: @escaping @Sendable (inout [UInt8], SeenOptions, RuleDraft) throws(OptionError) -> Void,
    check: @escaping @Sendable ([UInt8], RuleSite) throws(OptionError) -> Void,
    claims: @escaping @Sendable ([UInt8]) -> Bool,
    save: @escaping @Sendable ([UInt8], Family, inout RuleText) -> Void,
    list: @escaping @Sendable ([UInt8], Family, Bool, inout RuleText) -> Void,
    start: @escaping @Sendable ([UInt8], Family, World) -> Void,
    services: @escaping @Sendable ([UInt8]) -> KernelServices,
    objects: @escaping @Sendable ([UInt8]) -> [KernelObjectUse],
    effects: @escaping @Sendable ([UInt8], EffectSite) -> [FieldEffect],
    scope: (Family) -> Scope
  ) {
    precondition(
      facts.options.count <= 64 && !facts.layouts.isEmpty, "\(facts.name) declares too many options or no layout")
    self.kind = kind
    self.behaviour = behaviour
    self.origin = origin
    name = facts.name
    kernelName = facts.kernelName
    aliases = facts.aliases
    families = facts.families
    summary = facts.summary
    notes = facts.helpNotes
    examples = facts.examples
    options = facts.options
    layouts = facts.layouts
    let newest = facts.layouts[facts.layouts.count - 1]
    entryHeader = Self.entryHeader(
      name: facts.kernelName, revision: newest.revision, size: Self.entryHeaderSize + newest.size)
    scopes = (scope(.ipv4), scope(.ipv6))
    template = facts.template
    let names = facts.options.map(\.name)
    let mask = { (wanted: [String]) in
      wanted.reduce(UInt64(0)) { bits, name in names.firstIndex(of: name).map { bits | 1 << UInt64($0) } ?? bits }
    }
    mandatory = mask(facts.options.filter(\.isMandatory).map(\.name))
    excluded = facts.options.map { mask($0.excludes) }
    required = facts.options.map { mask($0.requires) }
    unseen = SeenOptions(of: names)
    optionNames = facts.options.enumerated().flatMap { index, option in
      ([option.name] + option.aliases).map { OptionName(bytes: Array($0.utf8.dropFirst(2)), option: index) }
    }
    applyOption = apply
    finishPayload = finish
    checkPayload = check
    claimsPayload = claims
    savePayload = save
    listPayload = list
    startPayload = start
    servicesOf = services
    objectsOf = objects
    effectsOf = effects
  }

  /// Bytes of ``entryHeader``.
  public static let entryHeaderSize = 32

  /// Size with the header, name of at most 28 bytes, revision.
  public static func entryHeader(name: String, revision: UInt8, size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: entryHeaderSize)
    Payload.store(UInt16(truncatingIfNeeded: size), in: &bytes, at: 0)
    for (index, byte) in name.utf8.prefix(28).enumerated() { bytes[2 + index] = byte }
    bytes[entryHeaderSize - 1] = revision
    return bytes
  }

  /// The revision in which this extension's payloads are kept.
  public var revision: UInt8 { layouts[layouts.count - 1].revision }

  /// How many leading bytes of a payload mean the same to user space and kernel.
  public var userSize: Int { layouts[layouts.count - 1].userSize }
  /// Bytes of the newest revision's structure, aligned.
  public var size: Int { layouts[layouts.count - 1].size }

  public func apply(option index: Int, to payload: inout [UInt8], _ arguments: OptionArguments) throws(OptionError) {
    try applyOption(index, &payload, arguments)
  }

  /// No option given yet.
  public let unseen: SeenOptions

  /// Checks what the options said of each other (mandatory, exclusive, required), then asks the extension.
  public func finish(_ payload: inout [UInt8], seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if let missing = seen.first(of: mandatory, given: false) {
      throw OptionError("missing-option", "\(name): option \"\(missing)\" must be specified\n")
    }
    for index in options.indices where seen.contains(index: index) {
      if let other = seen.first(of: excluded[index], given: true) {
        throw OptionError(
          "exclusive-options", "\(name): option \"\(options[index].name)\" cannot be used together with \"\(other)\".\n")
      }
      if let other = seen.first(of: required[index], given: false) {
        throw OptionError("missing-option", "\(name): option \"\(options[index].name)\" also requires \"\(other)\".\n")
      }
    }
    try finishPayload(&payload, seen, draft)
  }

  /// Scope and `checkentry`: what the kernel would refuse when it translates the table.
  public func check(_ payload: [UInt8], _ site: RuleSite) throws(OptionError) {
    if let objection = scope(site.family).objection(to: name, at: site) { throw objection }
    try checkPayload(payload, site)
  }

  /// Makes what a rule that is loaded into a world keeps beyond itself.
  public func start(_ payload: [UInt8], _ family: Family, in world: World) { startPayload(payload, family, world) }

  /// What the kernel starts when a rule with this payload is loaded.
  public func services(_ payload: [UInt8]) -> KernelServices { servicesOf(payload) }

  /// The objects beside the tables that a rule with this payload needs or makes.
  public func objects(_ payload: [UInt8]) -> [KernelObjectUse] { objectsOf(payload) }

  /// What a rule with this payload writes of the packets it sees at a hook.
  public func effects(_ payload: [UInt8], _ site: EffectSite) -> [FieldEffect] { effectsOf(payload, site) }

  /// The fields that a rule with this payload may write, at whichever hook.
  public func writes(_ payload: [UInt8], _ family: Family) -> FieldWrites {
    FieldWrites(Hook.allCases.flatMap { effects(payload, EffectSite(family: family, hook: $0)) })
  }

  public func claims(_ payload: [UInt8]) -> Bool { claimsPayload(payload) }

  public func save(_ payload: [UInt8], family: Family, to text: inout RuleText) { savePayload(payload, family, &text) }

  /// What `iptables -L` shows after the addresses.
  public func list(_ payload: [UInt8], family: Family, numeric: Bool, to text: inout RuleText) {
    listPayload(payload, family, numeric, &text)
  }

  public func scope(_ family: Family) -> Scope { family == .ipv4 ? scopes.ipv4 : scopes.ipv6 }
}

/// A name of an option, without its `--`, and the option it leads to.
public struct OptionName: Sendable {
  public let bytes: [UInt8]
  public let option: Int
}

/// What an extension declares, gathered while its type is known.
@usableFromInline
struct Facts: Sendable {
  let name: String
  let kernelName: String
  let aliases: [String]
  let families: Families
  let summary: String
  let helpNotes: @Sendable () -> String
  let options: [OptionDescriptor]
  let layouts: [LayoutDescriptor]
  let examples: [Example]
  let template: [UInt8]

  @usableFromInline
  init<E: Extension>(_: E.Type, options declared: [Option<E.Info>]) {
    name = E.name
    kernelName = E.kernelName
    aliases = E.aliases
    families = E.families
    summary = E.summary
    helpNotes = { E.helpNotes }
    options = declared.map { OptionDescriptor($0) }
    layouts = E.layouts.map { LayoutDescriptor($0) }
    examples = E.examples
    template = Payload.encode(E.initial)
  }
}

/// One option of an erased extension.
public final class OptionDescriptor: Sendable {
  public let name: String
  public let short: Character?
  public let aliases: [String]
  public let arity: Int
  public let mayHaveArgument: Bool
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
    mayHaveArgument = option.mayHaveArgument
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
