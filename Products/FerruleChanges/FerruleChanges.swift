// The library product FerruleChanges: plans of changes, the owners of chains, and what becomes of connections.

@_exported public import Changes
@_exported public import Diagnostics
@_exported public import Syntax
@_exported public import XTables
