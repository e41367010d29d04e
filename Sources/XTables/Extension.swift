/// Everything that is known about one match or one target, in one file.
///
/// `Info` is the kernel's structure of the newest revision: the rule *is* the structure, and text, blob and meaning are
/// all derived from it. A structure must have no interior padding (declare it as fields).
public protocol Extension: Sendable {
  associatedtype Info: BitwiseCopyable & Sendable

  /// The name after `-m` or `-j`.
  static var name: String { get }
  /// The name in the kernel's structures, where it differs: `conntrack` for `state`.
  static var kernelName: String { get }
  /// Other names under which users may ask for it.
  static var aliases: [String] { get }
  static var families: Families { get }
  /// One sentence for help and documentation.
  static var summary: String { get }
  /// What `--help` shows behind the options, such as the names of types; ends in a newline where it is not empty.
  static var helpNotes: String { get }
  /// What the structure holds before any option is read; the corresponding C callback is `init`.
  static var initial: Info { get }
  /// In the order in which save prints them.
  static var options: [Option<Info>] { get }
  /// All revisions, newest last.
  static var layouts: [Layout<Info>] { get }
  static var examples: [Example] { get }

  /// The same per family where the families differ.
  static func scope(_ family: Family) -> Scope
  /// Called when all options of the rule have been read; the corresponding C callback is `x6_fcheck`.
  static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError)
  /// What the kernel's `checkentry` tests beyond the scope. What is refused from some hooks is refused from more of them.
  static func check(_ info: Info, _ site: RuleSite) throws(OptionError)
  /// What must run for this extension to see anything: connection tracking, reassembly.
  static func services(_ info: Info) -> KernelServices
  /// The objects of the kernel that the structure names, and whether it needs or makes them.
  static func objects(_ info: Info) -> [KernelObjectUse]
  /// Makes what a loaded rule keeps beyond itself: a list, a table, a timer. The corresponding C callback is `checkentry`.
  static func start(_ info: Info, family: Family, in world: World)
  /// What it writes of the packets it sees at a hook; the default is nothing. A test holds this against what the extension does.
  ///
  /// What NAT targets decide is written here as if it stood in the packet at once; the packet is rewritten behind the nat table.
  static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect]
  /// Whether a structure read from a blob belongs to this extension rather than to another of the same kernel name.
  static func claims(_ info: Info) -> Bool
  /// Prints all options as save does; the default prints each option that is present, in order.
  static func save(_ info: Info, family: Family, to text: inout RuleText)
  /// Prints what `iptables -L` shows of the structure; the corresponding C callback is `print`. The default prints the options.
  ///
  /// Where the callback prints a blank first, what is printed here begins with a word; where it does not, it is glued.
  static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText)
}

extension Extension {
  public static var kernelName: String { name }
  public static var aliases: [String] { [] }
  public static var helpNotes: String { "" }
  public static func scope(_ family: Family) -> Scope { .anywhere }
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {}
  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {}
  public static func services(_ info: Info) -> KernelServices { [] }
  public static func objects(_ info: Info) -> [KernelObjectUse] { [] }
  public static func start(_ info: Info, family: Family, in world: World) {}
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [] }
  public static func claims(_ info: Info) -> Bool { true }

  public static func save(_ info: Info, family: Family, to text: inout RuleText) {
    for option in options { option.write(info, &text) }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word(name)
    save(info, family: family, to: &text)
  }
}
