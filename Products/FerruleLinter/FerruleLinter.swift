// The library product FerruleLinter: checks of rulesets, and their reports.

@_exported public import Diagnostics
@_exported public import Linter
@_exported public import Policies
@_exported public import Syntax
@_exported public import XTables
