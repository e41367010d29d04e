import Netfilter
public import Wire

/// A type-erased ``Extension`` whose declarations are evaluated once, for the parser, printer and compiler.
public final class ExtensionDescriptor: Sendable {
  /// Whether the extension is a match (`-m`) or a target (`-j`).
  public enum Kind: String, Sendable {
    case match, target
  }

  /// Whether the extension is a match or a target.
  public let kind: Kind
  /// The name after `-m` or `-j`.
  public let name: String
  /// The name in the kernel's structures.
  public let kernelName: String
  /// The header before the structure in an entry. The corresponding kernel structures are `xt_entry_match` and `xt_entry_target`.
  public let entryHeader: [UInt8]
  /// Further names that users may write.
  public let aliases: [String]
  /// The families in which the extension exists.
  public let families: Families
  /// One sentence for help and documentation.
  public let summary: String
  /// The properties on which programs around the language depend.
  public let traits: ExtensionTraits
  /// The facts on which the result may depend, besides those that the fields of its condition declare.
  public let needs: [HostFact]
  /// Text that `--help` prints after the options; empty, or ends in a newline.
  public var helpNotes: String { notes() }
  private let notes: @Sendable () -> String
  /// The options in the order in which iptables-save prints them.
  public let options: [OptionDescriptor]
  /// All revisions, the newest last.
  public let layouts: [LayoutDescriptor]
  /// Examples, which are documentation and tests.
  public let examples: [Example]
  /// The meaning of a match or the action of a target.
  public let behaviour: Behaviour
  /// Where the knowledge of the extension comes from.
  public let origin: Origin
  /// The form in expressions of nf_tables; nil if iptables-nft writes the structure.
  public let native: NativeFormDescriptor?
  /// What the rules of others in nf_tables can test in the way of this extension.
  public let nativeFields: [NativeTest.Subject: Field]
  /// The bytes of `initial` in the newest revision.
  public let template: [UInt8]

  /// The names of the options in order, as bytes without the `--`.
  public let optionNames: [OptionName]
  /// The dependencies between options as bit masks, by option index.
  private let mandatory: UInt64
  private let excluded: [UInt64]
  private let required: [UInt64]

  @usableFromInline let applyOption: @Sendable (Int, inout [UInt8], OptionArguments) throws(OptionError) -> Void
  @usableFromInline let finishPayload: @Sendable (inout [UInt8], SeenOptions, RuleDraft) throws(OptionError) -> Void
  @usableFromInline let checkPayload: @Sendable ([UInt8], RuleSite) throws(OptionError) -> Void
  @usableFromInline let claimsPayload: @Sendable ([UInt8]) -> Bool
  @usableFromInline let savePayload: @Sendable ([UInt8], Family, inout RuleText) -> Void
  @usableFromInline let listPayload: @Sendable ([UInt8], Family, Bool, inout RuleText) -> Void
  @usableFromInline let startPayload: (@Sendable ([UInt8], Family, World) -> Void)?
  @usableFromInline let servicesOf: @Sendable ([UInt8]) -> KernelServices
  @usableFromInline let objectsOf: @Sendable ([UInt8]) -> [KernelObjectUse]
  @usableFromInline let rebindPayload: @Sendable ([UInt8], (UInt16) -> UInt16) -> [UInt8]
  @usableFromInline let hostUsesOf: @Sendable ([UInt8]) -> [HostUse]
  @usableFromInline let effectsOf: @Sendable ([UInt8], EffectSite) -> [FieldEffect]
  @usableFromInline let confines: @Sendable ([UInt8], Family) -> Bool
  private let scopes: (ipv4: Scope, ipv6: Scope)

  /// The meaning of a match or the action of a target.
  public enum Behaviour: Sendable {
    /// The meaning of a match.
    case match(MatchBehaviour)
    /// The action of a target.
    case target(TargetBehaviour)
  }

  /// Inlined into the module that declares the extension, so that its closures are specialised for its structure.
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
      start: Self.start(of: E.self),
      services: { E.services(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      objects: { E.objects(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      rebind: { payload, number in
        guard var info = Payload.load(E.Info.self, from: payload) else { return payload }
        var payload = payload
        E.rebind(&info, number)
        Payload.store(info, in: &payload, at: 0)
        return payload
      },
      hostUses: { E.hostUses(Payload.load(E.Info.self, from: $0) ?? E.initial) },
      effects: { E.effects(Payload.load(E.Info.self, from: $0) ?? E.initial, $1) },
      confines: { E.isConfined(Payload.load(E.Info.self, from: $0) ?? E.initial, $1) }, scope: E.scope)
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
    start: (@Sendable ([UInt8], Family, World) -> Void)?,
    services: @escaping @Sendable ([UInt8]) -> KernelServices,
    objects: @escaping @Sendable ([UInt8]) -> [KernelObjectUse],
    rebind: @escaping @Sendable ([UInt8], (UInt16) -> UInt16) -> [UInt8] = { payload, _ in payload },
    hostUses: @escaping @Sendable ([UInt8]) -> [HostUse] = { _ in [] },
    effects: @escaping @Sendable ([UInt8], EffectSite) -> [FieldEffect],
    confines: @escaping @Sendable ([UInt8], Family) -> Bool = { _, _ in false },
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
    traits = facts.traits
    needs = facts.needs
    notes = facts.helpNotes
    examples = facts.examples
    options = facts.options
    layouts = facts.layouts
    let newest = facts.layouts[facts.layouts.count - 1]
    entryHeader = Self.entryHeader(
      name: facts.kernelName, revision: newest.revision, size: Self.entryHeaderSize + newest.size)
    scopes = (scope(.ipv4), scope(.ipv6))
    template = facts.template
    native = facts.native
    nativeFields = facts.nativeFields
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
    rebindPayload = rebind
    hostUsesOf = hostUses
    effectsOf = effects
    self.confines = confines
  }

  @inlinable
  static func start<E: Extension>(of type: E.Type) -> (@Sendable ([UInt8], Family, World) -> Void)? {
    guard let start = type.start else { return nil }
    return { payload, family, world in start(Payload.load(E.Info.self, from: payload) ?? E.initial, family, world) }
  }

  /// The size of ``entryHeader`` in bytes.
  public static let entryHeaderSize = 32

  /// The header of a match or target in an entry.
  ///
  /// - Parameters:
  ///   - name: the kernel's name; at most 28 bytes of it are used.
  ///   - size: the size in bytes of header and structure together.
  public static func entryHeader(name: String, revision: UInt8, size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: entryHeaderSize)
    Payload.store(UInt16(truncatingIfNeeded: size), in: &bytes, at: 0)
    for (index, byte) in name.utf8.prefix(28).enumerated() { bytes[2 + index] = byte }
    bytes[entryHeaderSize - 1] = revision
    return bytes
  }

  /// The revision in which payloads of this extension are stored: the newest.
  public var revision: UInt8 { layouts[layouts.count - 1].revision }

  /// The number of leading bytes of a payload that user space sets; the kernel uses the rest.
  public var userSize: Int { layouts[layouts.count - 1].userSize }
  /// The size of the newest revision's structure in bytes, aligned.
  public var size: Int { layouts[layouts.count - 1].size }

  /// Reads one option into a payload.
  ///
  /// - Throws: an error in the words of iptables if the argument is wrong.
  public func apply(option index: Int, to payload: inout [UInt8], _ arguments: OptionArguments) throws(OptionError) {
    try applyOption(index, &payload, arguments)
  }

  /// The seen options of a use before its first option.
  public let unseen: SeenOptions

  /// Checks the dependencies between options (mandatory, exclusive, required), then calls the extension's own check.
  ///
  /// - Throws: an error that user space reports.
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

  /// Checks the scope and the conditions of `checkentry`.
  ///
  /// - Throws: the error with which the kernel would refuse the table.
  public func check(_ payload: [UInt8], _ site: RuleSite) throws(OptionError) {
    if let objection = scope(site.family).objection(to: name, at: site) { throw objection }
    try checkPayload(payload, site)
  }

  /// Creates the state outside of the rule for a rule that is loaded into `world`.
  public func start(_ payload: [UInt8], _ family: Family, in world: World) { startPayload?(payload, family, world) }

  /// Whether loading a rule creates state outside of the rule.
  public var hasStart: Bool { startPayload != nil }

  /// The kernel services that a rule with this payload starts when it is loaded.
  public func services(_ payload: [UInt8]) -> KernelServices { servicesOf(payload) }

  /// The kernel objects outside the tables that a rule with this payload needs or creates.
  public func objects(_ payload: [UInt8]) -> [KernelObjectUse] { objectsOf(payload) }

  /// The payload with other numbers of ipsets.
  public func rebind(_ payload: [UInt8], _ number: (UInt16) -> UInt16) -> [UInt8] { rebindPayload(payload, number) }

  /// What a rule with this payload needs from programs and files outside the kernel.
  public func hostUses(_ payload: [UInt8]) -> [HostUse] { hostUsesOf(payload) }

  /// What a rule with this payload writes to the packets it sees at a hook.
  public func effects(_ payload: [UInt8], _ site: EffectSite) -> [FieldEffect] { effectsOf(payload, site) }

  /// Whether what a rule with this payload does to a packet depends on nothing that packets of other hosts may change.
  public func isConfined(_ payload: [UInt8], _ family: Family) -> Bool { confines(payload, family) }

  /// The fields that a rule with this payload may write at any hook.
  public func writes(_ payload: [UInt8], _ family: Family) -> FieldWrites {
    FieldWrites(Hook.allCases.flatMap { effects(payload, EffectSite(family: family, hook: $0)) })
  }

  /// Whether a structure from a blob belongs to this extension and not to another with the same kernel name.
  public func claims(_ payload: [UInt8]) -> Bool { claimsPayload(payload) }

  /// Appends the options as iptables-save prints them.
  public func save(_ payload: [UInt8], family: Family, to text: inout RuleText) { savePayload(payload, family, &text) }

  /// Appends what `iptables -L` shows of the structure after the addresses.
  public func list(_ payload: [UInt8], family: Family, numeric: Bool, to text: inout RuleText) {
    listPayload(payload, family, numeric, &text)
  }

  /// The tables, hooks and protocols in which the kernel accepts the extension in a family.
  public func scope(_ family: Family) -> Scope { family == .ipv4 ? scopes.ipv4 : scopes.ipv6 }
}

/// A name of an option without its `--`, and the option it stands for.
public struct OptionName: Sendable {
  /// The name in bytes, without `--`.
  public let bytes: [UInt8]
  /// The index of the option in ``ExtensionDescriptor/options``.
  public let option: Int
}

/// The declarations of an extension, read while its type is known.
@usableFromInline
struct Facts: Sendable {
  let name: String
  let kernelName: String
  let aliases: [String]
  let families: Families
  let summary: String
  let traits: ExtensionTraits
  let needs: [HostFact]
  let helpNotes: @Sendable () -> String
  let options: [OptionDescriptor]
  let layouts: [LayoutDescriptor]
  let examples: [Example]
  let template: [UInt8]
  let native: NativeFormDescriptor?
  let nativeFields: [NativeTest.Subject: Field]

  @usableFromInline
  init<E: Extension>(_: E.Type, options declared: [Option<E.Info>]) {
    name = E.name
    kernelName = E.kernelName
    aliases = E.aliases
    families = E.families
    summary = E.summary
    traits = E.traits
    needs = E.needs
    helpNotes = { E.helpNotes }
    options = declared.map(\.descriptor)
    layouts = E.layouts.map { LayoutDescriptor($0) }
    examples = E.examples
    template = Payload.encode(E.initial)
    native = E.native.map { NativeFormDescriptor($0) }
    nativeFields = E.nativeFields
  }
}

/// One revision of a type-erased extension. Converts between the kernel's bytes and the newest revision.
public struct LayoutDescriptor: Sendable {
  /// The revision number.
  public let revision: UInt8
  /// The size of the structure in bytes, aligned.
  public let size: Int
  /// The number of leading bytes that user space sets; the kernel uses the rest.
  public let userSize: Int
  /// Converts kernel bytes of this revision to a payload of the newest; nil if the bytes are too few or do not fit.
  public let upgrade: @Sendable ([UInt8]) -> [UInt8]?
  /// Converts a payload of the newest revision to kernel bytes of this one; nil if this revision cannot express it.
  public let downgrade: @Sendable ([UInt8]) -> [UInt8]?

  init<Info: BitwiseCopyable & Sendable>(_ layout: Layout<Info>) {
    revision = layout.revision
    size = layout.size
    userSize = layout.userSize
    upgrade = { bytes in layout.decode(bytes).map { Payload.encode($0) } }
    downgrade = { payload in Payload.load(Info.self, from: payload).flatMap(layout.encode) }
  }
}
