// The library product FerruleLanguage: iptables-save text: parsing, printing, compiling.

@_exported public import Compiler
@_exported public import Conntrack
@_exported public import Diagnostics
@_exported public import Extensions
@_exported public import Grammar
@_exported public import Netfilter
@_exported public import Syntax
@_exported public import SystemNames
@_exported public import Wire
@_exported public import XTables
