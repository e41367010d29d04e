package import Conntrack
package import Scenarios

extension ConntrackSettings {
  /// The conntrack sysctls of a scenario, on top of the lab's: accounting and events are on.
  init(_ scenario: Scenario) {
    self.init()
    accounting = true
    events = 1
    set(scenario.sysctls)
  }

  /// Sets those of these sysctls that belong to connection tracking.
  package mutating func set(_ sysctls: [Scenario.Sysctl]) {
    for sysctl in sysctls {
      if let value = Int(sysctl.value) { self[sysctl: sysctl.name] = value }
    }
  }
}
