import Syntax
import Wire
import XTables

/// The entry of the rules of one shape, with the places of their values.
struct EntryTemplate {
  /// The entry of the shape's rule, with zeroes in place of texts.
  let bytes: [UInt8]
  private let stores: [Store]
  private let layout: EntryLayout
  /// Whether the verdict at the end of the entry depends on the places of the chains.
  let isJump: Bool
  /// Whether the rule continues with the next one.
  let goesOn: Bool
  /// Whether no packet goes on to the rule behind.
  let endsWalk: Bool

  /// A value, and where it is in the entry.
  private struct Store {
    let value: Int
    let place: ValuePlace
    let offset: Int
  }

  init(_ shape: RuleShape, _ encoder: EntryEncoder) {
    layout = EntryLayout(encoder.family)
    var entry = encoder.entry(shape.rule)
    let length = encoder.family == .ipv4 ? 4 : 16
    var matches: [Int] = []
    var at = layout.size
    for match in shape.rule.matches {
      matches.append(at + EntryLayout.extensionHeader)
      at += EntryLayout.extensionHeader + match.descriptor.size
    }
    let target = at + EntryLayout.extensionHeader
    var stores: [Store] = []
    for (value, place) in shape.places.enumerated() {
      let offset: Int
      switch place {
      case .chain, .jump: continue
      case .source: offset = 0
      case .destination: offset = length
      case .input: offset = 4 * length
      case .output: offset = 4 * length + 16
      case .match(let index, let field): offset = matches[index] + field.offset
      case .target(let field): offset = target + field.offset
      }
      stores.append(Store(value: value, place: place, offset: offset))
      switch place {
      case .match(_, let field), .target(let field): for byte in 0..<field.form.size { entry[offset + byte] = 0 }
      default: break
      }
    }
    bytes = entry
    self.stores = stores
    isJump = shape.rule.target.chain != nil
    goesOn = if case .none = shape.rule.target { true } else { false }
    endsWalk = shape.rule.endsWalk
  }

  /// Appends the entry with the values of a line.
  func append(_ values: [PlainValue], of text: [UInt8], _ counters: Counters?, to entries: inout [UInt8]) {
    let start = entries.count
    entries.append(contentsOf: bytes)
    let length = layout.family == .ipv4 ? 4 : 16
    for store in stores {
      let value = values[store.value]
      let at = start + store.offset
      switch store.place {
      case .chain, .jump: break
      case .source, .destination:
        entries.put(value.first, bytes: length, at: at)
        entries.put(value.second, bytes: length, at: at + 2 * length)
      case .input, .output:
        entries.put(value.first, bytes: 16, at: at)
        entries.put(value.second, bytes: 16, at: at + 32)
      case .match(_, let field), .target(let field): field.form.store(value, of: text, in: &entries, at: at)
      }
    }
    if let counters {
      entries.put(counters.packets, at: start + layout.counters.lowerBound)
      entries.put(counters.bytes, at: start + layout.counters.lowerBound + 8)
    }
  }
}
