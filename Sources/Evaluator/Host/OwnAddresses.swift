import Wire

/// The addresses of a host, for fast look-up.
struct OwnAddresses {
  /// Sorted, as is `wide`.
  private let narrow: [UInt32]
  private let wide: [UInt128]

  init(_ addresses: [IPAddress]) {
    narrow = addresses.compactMap { $0.v4?.rawValue }.sorted()
    wide = addresses.compactMap { $0.v6?.rawValue }.sorted()
  }

  func holds(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let address): narrow.place(of: address.rawValue) != nil
    case .v6(let address): wide.place(of: address.rawValue) != nil
    }
  }
}

extension Array where Element: Comparable {
  /// The index of an element in a sorted array; nil if it is absent.
  func place(of element: Element) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) >> 1
      if self[middle] < element { low = middle &+ 1 } else { high = middle }
    }
    return low < count && self[low] == element ? low : nil
  }
}
