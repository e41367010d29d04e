internal import CIp4tc
internal import CIp6tc
internal import CNetfilter
internal import Wire

/// The functions of libip4tc or libip6tc. They differ only in the type of the entries, which are passed here as untyped pointers.
@safe struct Libiptc {
  typealias Handle = OpaquePointer
  typealias Text = UnsafePointer<CChar>

  let initialise: (Text) -> Handle?
  let free: (Handle) -> Void
  let firstChain: (Handle) -> Text?
  let nextChain: (Handle) -> Text?
  let isChain: (Text, Handle) -> Bool
  let isBuiltin: (Text, Handle) -> Bool
  /// Counts the rules that jump to a user's chain.
  let references: (UnsafeMutablePointer<UInt32>, Text, Handle) -> Bool
  let policy: (Text, UnsafeMutablePointer<xt_counters>, Handle) -> Text?
  let firstRule: (Text, Handle) -> UnsafeRawPointer?
  let nextRule: (UnsafeRawPointer, Handle) -> UnsafeRawPointer?
  let target: (UnsafeRawPointer, Handle) -> Text?
  let createChain: (Text, Handle) -> Bool
  let deleteChain: (Text, Handle) -> Bool
  let flush: (Text, Handle) -> Bool
  let setPolicy: (Text, Text, UnsafeMutablePointer<xt_counters>?, Handle) -> Bool
  let append: (Text, UnsafeRawPointer, Handle) -> Bool
  let insert: (Text, UnsafeRawPointer, UInt32, Handle) -> Bool
  let replaceRule: (Text, UnsafeRawPointer, UInt32, Handle) -> Bool
  let deleteRule: (Text, UInt32, Handle) -> Bool
  /// Deletes the first rule with the same bytes where the mask is not zero.
  let deleteEqual: (Text, UnsafeRawPointer, UnsafeMutablePointer<UInt8>, Handle) -> Bool
  let hasEqual: (Text, UnsafeRawPointer, UnsafeMutablePointer<UInt8>, Handle) -> Bool
  let zero: (Text, Handle) -> Bool
  let zeroRule: (Text, UInt32, Handle) -> Bool
  let renameChain: (Text, Text, Handle) -> Bool
  let commit: (Handle) -> Bool
  /// Prints the library's internal state to standard output, for debugging.
  let dump: (Handle) -> Void
  let message: (Int32) -> Text?

  init(_ family: Family) { self = family == .ipv4 ? Libiptc.four : Libiptc.six }

  private init(
    initialise: @escaping (Text) -> Handle?, free: @escaping (Handle) -> Void, firstChain: @escaping (Handle) -> Text?,
    nextChain: @escaping (Handle) -> Text?, isChain: @escaping (Text, Handle) -> Bool, isBuiltin: @escaping (Text, Handle) -> Bool,
    references: @escaping (UnsafeMutablePointer<UInt32>, Text, Handle) -> Bool,
    policy: @escaping (Text, UnsafeMutablePointer<xt_counters>, Handle) -> Text?,
    firstRule: @escaping (Text, Handle) -> UnsafeRawPointer?, nextRule: @escaping (UnsafeRawPointer, Handle) -> UnsafeRawPointer?,
    target: @escaping (UnsafeRawPointer, Handle) -> Text?, createChain: @escaping (Text, Handle) -> Bool,
    deleteChain: @escaping (Text, Handle) -> Bool, flush: @escaping (Text, Handle) -> Bool,
    setPolicy: @escaping (Text, Text, UnsafeMutablePointer<xt_counters>?, Handle) -> Bool,
    append: @escaping (Text, UnsafeRawPointer, Handle) -> Bool,
    insert: @escaping (Text, UnsafeRawPointer, UInt32, Handle) -> Bool,
    replaceRule: @escaping (Text, UnsafeRawPointer, UInt32, Handle) -> Bool,
    deleteRule: @escaping (Text, UInt32, Handle) -> Bool,
    deleteEqual: @escaping (Text, UnsafeRawPointer, UnsafeMutablePointer<UInt8>, Handle) -> Bool,
    hasEqual: @escaping (Text, UnsafeRawPointer, UnsafeMutablePointer<UInt8>, Handle) -> Bool,
    zero: @escaping (Text, Handle) -> Bool,
    zeroRule: @escaping (Text, UInt32, Handle) -> Bool,
    renameChain: @escaping (Text, Text, Handle) -> Bool,
    commit: @escaping (Handle) -> Bool,
    dump: @escaping (Handle) -> Void,
    message: @escaping (Int32) -> Text?
  ) {
    unsafe self.initialise = initialise
    unsafe self.free = free
    unsafe self.firstChain = firstChain
    unsafe self.nextChain = nextChain
    unsafe self.isChain = isChain
    unsafe self.isBuiltin = isBuiltin
    unsafe self.references = references
    unsafe self.policy = policy
    unsafe self.firstRule = firstRule
    unsafe self.nextRule = nextRule
    unsafe self.target = target
    unsafe self.createChain = createChain
    unsafe self.deleteChain = deleteChain
    unsafe self.flush = flush
    unsafe self.setPolicy = setPolicy
    unsafe self.append = append
    unsafe self.insert = insert
    unsafe self.replaceRule = replaceRule
    unsafe self.deleteRule = deleteRule
    unsafe self.deleteEqual = deleteEqual
    unsafe self.hasEqual = hasEqual
    unsafe self.zero = zero
    unsafe self.zeroRule = zeroRule
    unsafe self.renameChain = renameChain
    unsafe self.commit = commit
    unsafe self.dump = dump
    unsafe self.message = message
  }

  private static var four: Libiptc {
    unsafe Libiptc(
      initialise: { unsafe iptc_init($0) },
      free: { unsafe iptc_free($0) },
      firstChain: { unsafe iptc_first_chain($0) },
      nextChain: { unsafe iptc_next_chain($0) },
      isChain: { unsafe iptc_is_chain($0, $1) != 0 },
      isBuiltin: { unsafe iptc_builtin($0, $1) != 0 },
      references: { unsafe iptc_get_references($0, $1, $2) != 0 },
      policy: { unsafe iptc_get_policy($0, $1, $2) },
      firstRule: { unsafe UnsafeRawPointer(iptc_first_rule($0, $1)) },
      nextRule: { unsafe UnsafeRawPointer(iptc_next_rule($0.assumingMemoryBound(to: ipt_entry.self), $1)) },
      target: { unsafe iptc_get_target($0.assumingMemoryBound(to: ipt_entry.self), $1) },
      createChain: { unsafe iptc_create_chain($0, $1) != 0 },
      deleteChain: { unsafe iptc_delete_chain($0, $1) != 0 },
      flush: { unsafe iptc_flush_entries($0, $1) != 0 },
      setPolicy: { unsafe iptc_set_policy($0, $1, $2, $3) != 0 },
      append: { unsafe iptc_append_entry($0, $1.assumingMemoryBound(to: ipt_entry.self), $2) != 0 },
      insert: { unsafe iptc_insert_entry($0, $1.assumingMemoryBound(to: ipt_entry.self), $2, $3) != 0 },
      replaceRule: { unsafe iptc_replace_entry($0, $1.assumingMemoryBound(to: ipt_entry.self), $2, $3) != 0 },
      deleteRule: { unsafe iptc_delete_num_entry($0, $1, $2) != 0 },
      deleteEqual: { unsafe iptc_delete_entry($0, $1.assumingMemoryBound(to: ipt_entry.self), $2, $3) != 0 },
      hasEqual: { unsafe iptc_check_entry($0, $1.assumingMemoryBound(to: ipt_entry.self), $2, $3) != 0 },
      zero: { unsafe iptc_zero_entries($0, $1) != 0 },
      zeroRule: { unsafe iptc_zero_counter($0, $1, $2) != 0 },
      renameChain: { unsafe iptc_rename_chain($0, $1, $2) != 0 },
      commit: { unsafe iptc_commit($0) != 0 },
      dump: { unsafe dump_entries($0) },
      message: { unsafe iptc_strerror($0) })
  }

  private static var six: Libiptc {
    unsafe Libiptc(
      initialise: { unsafe ip6tc_init($0) },
      free: { unsafe ip6tc_free($0) },
      firstChain: { unsafe ip6tc_first_chain($0) },
      nextChain: { unsafe ip6tc_next_chain($0) },
      isChain: { unsafe ip6tc_is_chain($0, $1) != 0 },
      isBuiltin: { unsafe ip6tc_builtin($0, $1) != 0 },
      references: { unsafe ip6tc_get_references($0, $1, $2) != 0 },
      policy: { unsafe ip6tc_get_policy($0, $1, $2) },
      firstRule: { unsafe UnsafeRawPointer(ip6tc_first_rule($0, $1)) },
      nextRule: { unsafe UnsafeRawPointer(ip6tc_next_rule($0.assumingMemoryBound(to: ip6t_entry.self), $1)) },
      target: { unsafe ip6tc_get_target($0.assumingMemoryBound(to: ip6t_entry.self), $1) },
      createChain: { unsafe ip6tc_create_chain($0, $1) != 0 },
      deleteChain: { unsafe ip6tc_delete_chain($0, $1) != 0 },
      flush: { unsafe ip6tc_flush_entries($0, $1) != 0 },
      setPolicy: { unsafe ip6tc_set_policy($0, $1, $2, $3) != 0 },
      append: { unsafe ip6tc_append_entry($0, $1.assumingMemoryBound(to: ip6t_entry.self), $2) != 0 },
      insert: { unsafe ip6tc_insert_entry($0, $1.assumingMemoryBound(to: ip6t_entry.self), $2, $3) != 0 },
      replaceRule: { unsafe ip6tc_replace_entry($0, $1.assumingMemoryBound(to: ip6t_entry.self), $2, $3) != 0 },
      deleteRule: { unsafe ip6tc_delete_num_entry($0, $1, $2) != 0 },
      deleteEqual: { unsafe ip6tc_delete_entry($0, $1.assumingMemoryBound(to: ip6t_entry.self), $2, $3) != 0 },
      hasEqual: { unsafe ip6tc_check_entry($0, $1.assumingMemoryBound(to: ip6t_entry.self), $2, $3) != 0 },
      zero: { unsafe ip6tc_zero_entries($0, $1) != 0 },
      zeroRule: { unsafe ip6tc_zero_counter($0, $1, $2) != 0 },
      renameChain: { unsafe ip6tc_rename_chain($0, $1, $2) != 0 },
      commit: { unsafe ip6tc_commit($0) != 0 },
      dump: { unsafe dump_entries6($0) },
      message: { unsafe ip6tc_strerror($0) })
  }
}
