// The library product FerruleLab: scenarios, scenario files, tests and snapshots.

@_exported public import Diagnostics
@_exported public import Documents
@_exported public import Evaluator
@_exported public import Lab
@_exported public import Notation
@_exported public import Scenarios
@_exported public import Snapshots
@_exported public import Suites
@_exported public import XTables
