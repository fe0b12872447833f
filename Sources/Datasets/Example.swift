import Configuration
import Foundation
import Storage

/// Where the content of a medium comes from.
public enum MediumSource: Sendable, Equatable {
  case file(URL)
  case drawn(RGBImage)
}

/// One image (or sound) of a data set.
public struct Medium: Sendable, Equatable {
  /// The data set's own name for it: unique within the data set.
  public let id: Identifier
  public let source: MediumSource

  public init(id: Identifier, source: MediumSource) {
    self.id = id
    self.source = source
  }
}

/// One question, or none, and what may be answered.
public struct Exchange: Sendable, Hashable {
  /// nil for a caption: an answer without a question.
  public let question: String?
  /// Alternatives (the captions of a picture); at least one.
  public let answers: [String]
  /// What the question is about ("colour"), for scores by kind.
  public let kind: String?

  public init(question: String? = nil, answers: [String], kind: String? = nil) {
    self.question = question
    self.answers = answers
    self.kind = kind
  }
}

/// What one sample of a data set is: media, and what is asked and answered about them.
///
/// Several answers of one exchange are alternatives; several exchanges follow each other, a dialogue. Several
/// questions that do not see each other are several examples with the same media.
public struct Example: Sendable, Equatable {
  /// Unique within the data set.
  public let id: Identifier
  /// At least one, in the order in which they stand in the sequence.
  public let media: [Medium]
  /// At least one.
  public let exchanges: [Exchange]

  public init(id: Identifier, media: [Medium], exchanges: [Exchange]) {
    self.id = id
    self.media = media
    self.exchanges = exchanges
  }

  /// One picture with alternative captions.
  public init(id: Identifier, source: MediumSource, captions: [String]) {
    self.init(
      id: id, media: [Medium(id: id, source: source)], exchanges: [Exchange(answers: captions)])
  }
}
