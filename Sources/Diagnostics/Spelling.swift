/// Finds the known word that a misspelt word was probably meant to be.
public enum Spelling {
  /// The candidate with the smallest edit distance to `word`; nil if all differ in more than a third of the word's bytes.
  public static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
    let limit = max(1, word.utf8.count / 3)
    var best: (distance: Int, word: String)?
    for candidate in candidates {
      guard abs(candidate.utf8.count - word.utf8.count) <= limit else { continue }
      let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
      if distance <= limit, best.map({ (distance, candidate) < ($0.distance, $0.word) }) ?? true {
        best = (distance, candidate)
      }
    }
    return best?.word
  }

  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
        diagonal = above
      }
    }
    return row[right.count]
  }
}
