extension StringProtocol {
  /// Whether the token is the beginning of this word, in whatever case; an empty token is.
  ///
  /// The corresponding C call is `strncasecmp(word, token, strlen(token)) == 0`.
  public func beginsIgnoringCase(with token: Token) -> Bool {
    let word = utf8
    return word.count >= token.bytes.count && zip(word, token.bytes).allSatisfy { fold($0) == fold($1) }
  }

  /// Whether the token is this word, in whatever case; the corresponding C function is `strcasecmp`.
  public func equalsIgnoringCase(_ token: Token) -> Bool {
    utf8.count == token.bytes.count && beginsIgnoringCase(with: token)
  }

  /// Whether the token begins with this word, in whatever case.
  public func isPrefixIgnoringCase(of token: Token) -> Bool {
    let word = utf8
    return word.count <= token.bytes.count && zip(word, token.bytes).allSatisfy { fold($0) == fold($1) }
  }
}

/// ASCII letters in lower case.
private func fold(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
