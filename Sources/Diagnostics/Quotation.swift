/// Limits how much of an input a message quotes, because a line may have any length.
public enum Quotation {
  /// Shortens a message of more than twice ``Limits/quotedBytes`` characters to its beginning and its end.
  public static func shortened(_ message: String) -> String {
    let most = 2 * Limits.quotedBytes
    guard message.utf8.count > most else { return message }
    let scalars = message.unicodeScalars
    guard scalars.count > most else { return message }
    return String(scalars.prefix(Limits.quotedBytes)) + " … " + String(scalars.suffix(Limits.quotedBytes / 2))
  }

  /// The part of a line around `place`, with `...` where it is cut, and the number of bytes in it before `place`.
  static func excerpt(of line: ArraySlice<UInt8>, around place: Int) -> (bytes: [UInt8], lead: Int) {
    let most = Limits.quotedBytes
    let place = min(max(place, 0), line.count)
    let start = line.count > most ? max(0, min(place - most / 2, line.count - most)) : 0
    let shown = line.dropFirst(start).prefix(most)
    let before = start > 0 ? cut : []
    return (before + shown + (start + shown.count < line.count ? cut : []), before.count + place - start)
  }

  private static let cut = Array("...".utf8)
}
