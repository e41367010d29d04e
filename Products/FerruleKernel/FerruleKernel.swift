// The library product FerruleKernel: the tables of the running kernel; scenarios that run in it.

@_exported public import Diagnostics
@_exported public import Kernel
@_exported public import KernelLab
@_exported public import XTables
