package import Documents
package import Evaluator
import Wire

extension FileNode {
  func hardwareAddress() throws(ScenarioFileError) -> MACAddress {
    guard let address = MACAddress(try text()) else {
      throw error("`\(try text())' is not a MAC address", hint: "write it as 02:00:00:00:00:01")
    }
    return address
  }

  /// An address with or without a prefix length, or `ADDRESS peer PREFIX`.
  package func interfaceAddress() throws(ScenarioFileError) -> Host.Address {
    guard let address = Host.Address(try text()) else {
      throw error("`\(try text())' is not an address", hint: "write it as 10.0.0.1/24, or 10.0.0.1 peer 10.0.0.2/32")
    }
    return address
  }

  /// A time zone as `UTC`, `+01:00` or `-0530`, in minutes west of Greenwich.
  package func minutesWest() throws(ScenarioFileError) -> Int {
    guard let zone = HostTimeZone(try text()) else { throw error("`\(try text())' is no time zone", hint: "UTC, +01:00, -05:30") }
    return zone.minutesWest
  }
}

/// A time zone of the kernel: `UTC`, `+01:00` or `-0530`.
package struct HostTimeZone {
  /// Minutes west of Greenwich. Kernel: `sys_tz.tz_minuteswest`.
  package let minutesWest: Int

  /// Parses a time zone; nil for other text.
  package init?(_ text: String) {
    if text == "UTC" || text == "Z" {
      minutesWest = 0
      return
    }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard let sign = text.first, sign == "+" || sign == "-", digits.utf8.count == 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)), hours < 16, minutes < 60
    else { return nil }
    minutesWest = (sign == "+" ? -1 : 1) * (hours * 60 + minutes)
  }
}
