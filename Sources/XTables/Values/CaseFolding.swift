extension String {
  /// Whether the token is a prefix of this word, ignoring case. An empty token is one.
  ///
  /// The corresponding C call is `strncasecmp(word, token, strlen(token)) == 0`.
  public func beginsIgnoringCase(with token: Token) -> Bool {
    commonPrefixIgnoringCase(utf8, token.bytes) == token.bytes.count
  }

  /// Whether the token equals this word, ignoring case. The corresponding C function is `strcasecmp`.
  public func equalsIgnoringCase(_ token: Token) -> Bool {
    utf8.count == token.bytes.count && beginsIgnoringCase(with: token)
  }

  /// Whether this word is a prefix of the token, ignoring case.
  public func isPrefixIgnoringCase(of token: Token) -> Bool {
    commonPrefixIgnoringCase(utf8, token.bytes) == utf8.count
  }
}

/// The length of the common prefix in bytes, ignoring case.
private func commonPrefixIgnoringCase(_ word: String.UTF8View, _ bytes: ArraySlice<UInt8>) -> Int {
  var at = bytes.startIndex
  for byte in word {
    guard at < bytes.endIndex, fold(byte) == fold(bytes[at]) else { break }
    at += 1
  }
  return at - bytes.startIndex
}

/// The byte with ASCII letters in lower case.
private func fold(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
