// The library product FerruleConntrack: connection tracking and address translation.

@_exported public import Conntrack
@_exported public import NAT
@_exported public import Netfilter
@_exported public import Wire
