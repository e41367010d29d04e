/// What the flags that `ip addr` prints say of an interface.
package enum InterfaceFlags {
  /// False if the link is down while the interface is up. `NO-CARRIER` alone also says that the link is not ready yet.
  ///
  /// The corresponding kernel function is `fib_netdev_event`.
  package static func haveCarrier(_ flags: [String]) -> Bool { !flags.contains("NO-CARRIER") || flags.contains("LOWER_UP") }
}
