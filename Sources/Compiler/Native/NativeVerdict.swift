package import XTables

extension NativeRule.End {
  /// The end of a verdict, `NF_*` or `NFT_*`; nil for another one.
  package init?(_ code: Int32, _ chain: String?) {
    switch (code, chain) {
    case (NativeExpression.Code.accept, nil): self = .accept
    case (NativeExpression.Code.drop, nil): self = .drop
    case (NativeExpression.Code.return, nil): self = .return
    case (NativeExpression.Code.continue, nil): self = .next
    case (NativeExpression.Code.jump, let chain?): self = .jump(chain)
    case (NativeExpression.Code.goto, let chain?): self = .goto(chain)
    default: return nil
    }
  }
}
