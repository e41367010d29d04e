/// What rides on a packet to say which connection it belongs to.
public enum Attachment: Sendable { case none, untracked }
