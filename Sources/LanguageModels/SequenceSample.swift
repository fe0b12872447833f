/// A stretch of a sequence.
public enum SequencePiece: Sendable, Hashable {
  /// The visual tokens of one of the sample's media, by its place in ``SequenceSample/media``.
  case visual(Int)
  /// Ids that are given: begin token, prompt, question, the frame of a chat template.
  case text([Int32])
  /// Ids that are taught. With `isWhole` the end id follows them and is taught too; an answer that was cut
  /// is not taught its end.
  case answer([Int32], isWhole: Bool = true)
}

/// One picture's, or several pictures', part of a batch: a prefix that is computed once, and branches that
/// each continue it without seeing each other.
///
/// A caption set is a branch a caption; several questions on one image are a branch each; a dialogue is one
/// branch of several turns. Losses and gradients are those of the repeated form, prefix + branch for each
/// branch.
public struct SequenceSample: Sendable, Hashable {
  /// Places of its media in a patch source.
  public var media: [Int]
  /// No answers: they would be taught once a branch.
  public var prefix: [SequencePiece]
  public var branches: [[SequencePiece]]

  public init(media: [Int], prefix: [SequencePiece], branches: [[SequencePiece]]) {
    self.media = media
    self.prefix = prefix
    self.branches = branches
  }
}
