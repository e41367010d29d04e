// The library product FerruleWire: packets, and capture files.

@_exported public import Capture
@_exported public import Wire
