// The library product FerruleAnalysis: exact sets of packets, and what they prove about rulesets.

@_exported public import Analysis
@_exported public import Evaluator
@_exported public import Wire
@_exported public import XTables
