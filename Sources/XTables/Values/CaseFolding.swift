extension String {
  /// Whether the token is the beginning of this word, in whatever case; an empty token is.
  ///
  /// The corresponding C call is `strncasecmp(word, token, strlen(token)) == 0`.
  public func beginsIgnoringCase(with token: Token) -> Bool {
    commonPrefixIgnoringCase(utf8, token.bytes) == token.bytes.count
  }

  /// Whether the token is this word, in whatever case; the corresponding C function is `strcasecmp`.
  public func equalsIgnoringCase(_ token: Token) -> Bool {
    utf8.count == token.bytes.count && beginsIgnoringCase(with: token)
  }

  /// Whether the token begins with this word, in whatever case.
  public func isPrefixIgnoringCase(of token: Token) -> Bool {
    commonPrefixIgnoringCase(utf8, token.bytes) == utf8.count
  }
}

/// How many bytes the two have in common at their beginning.
private func commonPrefixIgnoringCase(_ word: String.UTF8View, _ bytes: ArraySlice<UInt8>) -> Int {
  var at = bytes.startIndex
  for byte in word {
    guard at < bytes.endIndex, fold(byte) == fold(bytes[at]) else { break }
    at += 1
  }
  return at - bytes.startIndex
}

/// ASCII letters in lower case.
private func fold(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
