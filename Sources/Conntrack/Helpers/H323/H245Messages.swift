/// The addresses in H.245 messages (ITU-T H.245).
extension H323Exchange {
  /// The corresponding kernel function is `process_h245`.
  mutating func control(_ message: PERValue) -> Bool {
    if let channel = message.alternative("request")?.alternative("openLogicalChannel") { return open(channel) }
    if let channel = message.alternative("response")?.alternative("openLogicalChannelAck") { return acknowledge(channel) }
    return true
  }

  /// The corresponding kernel function is `process_h245_channel`.
  private mutating func streams(_ parameters: PERValue?) -> Bool {
    if let media = parameters?["mediaChannel"], !expectMedia(media) { return false }
    if let control = parameters?["mediaControlChannel"], !expectMedia(control) { return false }
    return true
  }

  /// The corresponding kernel function is `process_olc`.
  mutating func open(_ channel: PERValue) -> Bool {
    let forward = channel["forwardLogicalChannelParameters"]
    guard streams(forward?["multiplexParameters"]?.alternative("h2250LogicalChannelParameters")) else { return false }
    let reverse = channel["reverseLogicalChannelParameters"]?["multiplexParameters"]
    guard streams(reverse?.alternative("h2250LogicalChannelParameters")) else { return false }
    let application = forward?["dataType"]?.alternative("data")?["application"]
    guard application?.alternative("t120")?.choice == "separateLANStack" else { return true }
    return separateStack(channel)
  }

  /// The corresponding kernel function is `process_olca`.
  private mutating func acknowledge(_ channel: PERValue) -> Bool {
    let reverse = channel["reverseLogicalChannelParameters"]?["multiplexParameters"]
    guard streams(reverse?.alternative("h2250LogicalChannelParameters")) else { return false }
    guard streams(channel["forwardMultiplexAckParameters"]?.alternative("h2250LogicalChannelAckParameters")) else { return false }
    return separateStack(channel)
  }

  private mutating func separateStack(_ channel: PERValue) -> Bool {
    guard let address = channel["separateStack"]?["networkAddress"]?.alternative("localAreaAddress") else { return true }
    return expectData(address)
  }
}
