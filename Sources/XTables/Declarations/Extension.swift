public import Wire

/// The declaration of one match or target, in one file.
///
/// `Info` is the kernel's structure of the newest revision. A rule stores that structure; text, blob and meaning are derived from
/// it. The structure must have no interior padding (declare padding as fields).
public protocol Extension: Sendable {
  /// The kernel's structure of the newest revision.
  associatedtype Info: BitwiseCopyable & Sendable

  /// The name after `-m` or `-j`.
  static var name: String { get }
  /// The name in the kernel's structures if it differs, such as `conntrack` for `state`. The default is `name`.
  static var kernelName: String { get }
  /// Further names that users may write. The default is none.
  static var aliases: [String] { get }
  /// The families in which the extension exists.
  static var families: Families { get }
  /// One sentence for help and documentation.
  static var summary: String { get }
  /// The properties on which programs around the language depend. The default is none.
  static var traits: ExtensionTraits { get }
  /// The facts on which the result may depend, besides those that the fields of its condition declare. The default is none.
  static var needs: [HostFact] { get }
  /// Text that `--help` prints after the options, such as the names of types. Empty, or ends in a newline.
  static var helpNotes: String { get }
  /// The structure before any option is read. The corresponding C callback is `init`.
  static var initial: Info { get }
  /// The options in the order in which iptables-save prints them.
  static var options: [Option<Info>] { get }
  /// All revisions, the newest last.
  static var layouts: [Layout<Info>] { get }
  /// Examples, which are documentation and tests.
  static var examples: [Example] { get }
  /// The form in expressions of nf_tables. The default is nil: iptables-nft writes the structure.
  static var native: NativeForm<Info>? { get }
  /// What the rules of others in nf_tables can test in the way of this extension. The default is nothing.
  static var nativeFields: [NativeTest.Subject: Field] { get }

  /// The tables, hooks and protocols in which the kernel accepts the extension in a family. The default is anywhere.
  static func scope(_ family: Family) -> Scope
  /// Checks and completes the structure after all options of the rule. The corresponding C callback is `x6_fcheck`.
  ///
  /// - Throws: an error that user space reports.
  static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError)
  /// Performs the tests of the kernel's `checkentry` beyond the scope. A use that is refused at some hooks is also refused at more
  /// hooks.
  ///
  /// - Throws: an error that the kernel reports.
  static func check(_ info: Info, _ site: RuleSite) throws(OptionError)
  /// The kernel services that the extension starts, such as connection tracking or reassembly.
  static func services(_ info: Info) -> KernelServices
  /// The kernel objects that the structure names, and whether the rule needs or creates them.
  static func objects(_ info: Info) -> [KernelObjectUse]
  /// Replaces the numbers of the ipsets in the structure. The default leaves it as it is.
  static func rebind(_ info: inout Info, _ number: (UInt16) -> UInt16)
  /// What the rule needs from programs and files outside the kernel, or sends to them. The default is nothing.
  static func hostUses(_ info: Info) -> [HostUse]
  /// Creates the state of a loaded rule outside of the rule: a list, a table, a timer. The corresponding C callback is
  /// `checkentry`. The default is nil: a rule creates nothing.
  static var start: (@Sendable (Info, Family, World) -> Void)? { get }
  /// What the extension writes to the packets it sees at a hook. The default is nothing. A test compares this with what the
  /// extension does.
  ///
  /// The decision of a NAT target is declared as if the packet were changed at once; the packet is rewritten after the nat table.
  static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect]
  /// Whether the extension reads and changes nothing but the packet, its connection, and what stays the same during a run: what it does to the
  /// packets of some hosts then does not depend on the packets of others. What a packet makes the host send does not count here. The default is
  /// false for a target; for a match, whether its condition has no opaque part.
  static func isConfined(_ info: Info, _ family: Family) -> Bool
  /// Whether a structure from a blob belongs to this extension and not to another with the same kernel name.
  static func claims(_ info: Info) -> Bool
  /// Prints all options as iptables-save does. The default prints each option that is present, in order.
  static func save(_ info: Info, family: Family, to text: inout RuleText)
  /// Prints what `iptables -L` shows of the structure. The corresponding C callback is `print`. The default prints the name and the
  /// options.
  ///
  /// If the callback prints a leading blank, append a word; if not, glue the text.
  static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText)
}

extension Extension {
  /// The default: the kernel uses the same name as iptables.
  public static var kernelName: String { name }
  /// The default: no other names.
  public static var aliases: [String] { [] }
  /// The default: no special properties.
  public static var traits: ExtensionTraits { [] }
  /// The default: nothing.
  public static var needs: [HostFact] { [] }
  /// The default: iptables-nft writes the structure.
  public static var native: NativeForm<Info>? { nil }
  /// The default: nothing.
  public static var nativeFields: [NativeTest.Subject: Field] { [:] }
  /// The default: no further help.
  public static var helpNotes: String { "" }
  /// The default: the kernel accepts the extension everywhere.
  public static func scope(_ family: Family) -> Scope { .anywhere }
  /// The default: no check.
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {}
  /// The default: no check.
  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {}
  /// The default: no services.
  public static func services(_ info: Info) -> KernelServices { [] }
  /// The default: no objects.
  public static func objects(_ info: Info) -> [KernelObjectUse] { [] }
  /// The default: no ipsets.
  public static func rebind(_ info: inout Info, _ number: (UInt16) -> UInt16) {}
  /// The default: nothing.
  public static func hostUses(_ info: Info) -> [HostUse] { [] }
  /// The default: no state outside of the rule.
  public static var start: (@Sendable (Info, Family, World) -> Void)? { nil }
  /// The default: writes nothing.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [] }
  /// The default: other packets may matter.
  public static func isConfined(_ info: Info, _ family: Family) -> Bool { false }
  /// The default: every structure of the kernel name.
  public static func claims(_ info: Info) -> Bool { true }

  /// The default: each option that is present, in order.
  public static func save(_ info: Info, family: Family, to text: inout RuleText) {
    for option in options { option.write(info, &text) }
  }

  /// The default: the name, then the options as iptables-save prints them.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word(name)
    save(info, family: family, to: &text)
  }
}
