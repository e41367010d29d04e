public import XTables

extension Registry {
  /// Every match and target Ferrule knows, in the order of their files' names; a test finds a file that is not listed.
  public static let ferrule = Registry([
    CommentMatch.descriptor,
    MarkMatch.descriptor,
    TCPMatch.descriptor,

    MarkTarget.descriptor,
  ])
}
