import XTables

/// The addresses of one `-s` or `-d`. It is nearly always one address, which is stored without an array.
struct AddressList {
  /// The first address; the default matches any address.
  private(set) var first = AddressMask()
  private(set) var others: [AddressMask] = []
  private var isGiven = false

  var count: Int { others.count + 1 }

  subscript(index: Int) -> AddressMask { index == 0 ? first : others[index - 1] }

  mutating func append(_ address: AddressMask) {
    if isGiven {
      others.append(address)
    } else {
      first = address
      isGiven = true
    }
  }
}
