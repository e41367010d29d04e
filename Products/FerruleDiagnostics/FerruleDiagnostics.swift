// The library product FerruleDiagnostics: source files, and diagnostics with their places.

@_exported public import Diagnostics
