internal import Wire
internal import XTables

/// A table that a ``TableEditor`` changes: a copy, which is committed in the end. ``TableEditor`` documents the functions.
protocol EditableTable: AnyObject {
  var family: Family { get }
  var name: String { get }
  func isExpressible(_ chain: String?) -> Bool
  var hasOtherBaseChains: Bool { get }
  func chainNames() -> [String]
  func isChain(_ chain: String) -> Bool
  func isBuiltin(_ chain: String) -> Bool
  func policy(of chain: String) throws(KernelError) -> (verdict: StandardVerdict, counters: Counters)?
  func references(to chain: String) throws(KernelError) -> Int
  func forEachRule(of chain: String, _ registry: Registry, _ body: (Rule) throws(KernelError) -> Void) throws(KernelError)
  func appendRule(_ rule: Rule, to chain: String) throws(KernelError)
  func insertRule(_ rule: Rule, into chain: String, at number: Int) throws(KernelError)
  func replaceRule(_ rule: Rule, in chain: String, at number: Int) throws(KernelError)
  func deleteRule(_ rule: Rule, in chain: String, checkingOnly: Bool) throws(KernelError)
  func deleteRule(in chain: String, at number: Int) throws(KernelError)
  func message(of error: SystemError) -> String?
  func dump()
  func flush(_ chain: String) throws(KernelError)
  func zero(_ chain: String) throws(KernelError)
  func zeroRule(in chain: String, at number: Int) throws(KernelError)
  func evictIdle() throws(KernelError)
  func clear() throws(KernelError)
  func declareChain(_ chain: String) throws(KernelError)
  func needChain(_ chain: String) throws(KernelError)
  func createChain(_ chain: String) throws(KernelError)
  func deleteChain(_ chain: String) throws(KernelError)
  func renameChain(_ chain: String, to name: String) throws(KernelError)
  func setPolicy(_ policy: String, of chain: String, _ counters: Counters?) throws(KernelError)
  func commit() throws(KernelError)
}
