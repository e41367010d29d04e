import XTables

/// The addresses that one `-s` or `-d` lists: nearly always one, which needs no array.
struct AddressList {
  /// Any address, where no other is given.
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
