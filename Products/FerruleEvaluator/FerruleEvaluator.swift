// The library product FerruleEvaluator: a simulated host that runs packets through rules; packets as text.

@_exported public import Conntrack
@_exported public import Diagnostics
@_exported public import Evaluator
@_exported public import NAT
@_exported public import Netfilter
@_exported public import Notation
@_exported public import Wire
@_exported public import XTables
