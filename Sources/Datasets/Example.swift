import Configuration
import Foundation
import Storage

/// Where the content of a medium comes from.
public enum MediumSource: Sendable, Equatable {
  /// An image file.
  case file(URL)
  case drawing(Drawing)
  case soundFile(URL)
  case sound(Audio)

  /// A picture that is there already.
  public static func drawn(_ image: RGBImage) -> Self { .drawing(Drawing(image)) }
}

/// What a medium is, and so which preprocessor takes it.
public enum MediumKind: String, Sendable {
  case image
  case sound
}

/// A picture that the program draws when it is asked for, anew each time.
///
/// It is known by the words that decide it, so that neither telling two apart nor finding its features draws
/// it.
public struct Drawing: Sendable, Equatable {
  /// XXH3-128 of the words, or of the pixels of a picture that was there already.
  let digest: String
  private let draw: @Sendable () -> RGBImage

  /// - Parameters:
  ///   - words: all that decides the pixels: how it is drawn, settings, seed, number. Drawing it in another
  ///     way needs other words.
  ///   - draw: gives the same pixels every time.
  init(_ words: String, draw: @escaping @Sendable () -> RGBImage) {
    digest = Digest.of(words)
    self.draw = draw
  }

  init(_ image: RGBImage) {
    digest = Digest.of(image.pixels)
    draw = { image }
  }

  func image() -> RGBImage { draw() }

  public static func == (a: Self, b: Self) -> Bool { a.digest == b.digest }
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

  public var kind: MediumKind {
    switch source {
    case .file, .drawing: .image
    case .soundFile, .sound: .sound
    }
  }

  /// The pixels; a file is decoded, a drawing drawn on every call.
  ///
  /// - Throws: `ImageError`, whose message names the file; also for a sound.
  public func image() throws(ImageError) -> RGBImage {
    switch source {
    case .file(let url): try RGBImage(contentsOf: url)
    case .drawing(let drawing): drawing.image()
    case .soundFile, .sound: throw ImageError(name: id.text, problem: .sound)
    }
  }

  /// The samples; a file is decoded on every call.
  ///
  /// - Throws: `AudioError`, whose message names the file; also for an image.
  public func audio() throws(AudioError) -> Audio {
    switch source {
    case .soundFile(let url): try Audio(contentsOf: url)
    case .sound(let audio): audio
    case .file, .drawing: throw AudioError(name: id.text, problem: .image)
    }
  }

  /// XXH3-128 of the file's bytes, of what decides a drawing, or of rate, channels and samples.
  ///
  /// - Throws: `FileError` if the file cannot be read.
  public func digest() throws(FileError) -> String {
    switch source {
    case .file(let url), .soundFile(let url): return try Digest.ofFile(url)
    case .drawing(let drawing): return drawing.digest
    case .sound(let audio):
      var hasher = DigestHasher()
      hasher.update(field: "sound", "\(audio.rate) Hz, \(audio.channels) channels")
      hasher.update(audio.samples)
      return hasher.finalize()
    }
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
  /// In the order in which they stand in the sequence; none where only text is asked about.
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

/// The two things that a sample may teach: what `data:` of a stage names.
public enum ExampleContent: Sendable, CaseIterable {
  /// Nothing is asked; every answer describes the media.
  case captions
  /// Something is asked in one exchange at least.
  case questions
}

extension Example {
  public var content: ExampleContent {
    exchanges.contains { $0.question != nil } ? .questions : .captions
  }
}
