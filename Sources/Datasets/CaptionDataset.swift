import Foundation
import Storage

/// Where the pixels of an image come from.
public enum ImageSource: Sendable, Equatable {
  case file(URL)
  case generated(RGBImage)
}

/// An image and what people, or a grammar, say of it.
public struct CaptionedImage: Sendable, Equatable {
  /// The data set's own name for it: unique within the data set.
  public let id: String
  public let source: ImageSource
  /// At least one.
  public let captions: [String]

  public init(id: String, source: ImageSource, captions: [String]) {
    self.id = id
    self.source = source
    self.captions = captions
  }

  /// The pixels; a file is decoded on every call.
  ///
  /// - Throws: `ImageError`, whose message names the file.
  public func image() throws -> RGBImage {
    switch source {
    case .file(let url): try RGBImage(contentsOf: url)
    case .generated(let image): image
    }
  }
}

/// Images with captions, in three parts that share none.
public struct CaptionDataset: Sendable {
  public let name: String
  /// What was read or drawn and how it was split, in words; holds no path of this machine.
  public let description: String
  public let train: [CaptionedImage]
  public let validation: [CaptionedImage]
  public let test: [CaptionedImage]

  public init(
    name: String, description: String, train: [CaptionedImage], validation: [CaptionedImage],
    test: [CaptionedImage]
  ) {
    self.name = name
    self.description = description
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// The images of all parts: training, validation, test.
  public var images: [CaptionedImage] { train + validation + test }

  /// Bytes for a digest: equal when every part holds the same images with the same captions in the
  /// same order. The pixels of files are not part of it.
  public var digestContent: [UInt8] {
    var content = Array("\(name)\n\(description)\n".utf8)
    for (part, images) in [("train", train), ("validation", validation), ("test", test)] {
      for image in images {
        content += Array("\(part)\t\(image.id)\t\(image.captions.joined(separator: "\t"))\n".utf8)
      }
    }
    return content
  }
}

/// How many images each part of a data set takes, and by which seed they are chosen.
public struct ImageSplit: Sendable, Equatable {
  /// `nil` takes all that are left.
  public var train: Int?
  public var validation: Int
  public var test: Int
  public var seed: Int

  /// - Precondition: no count is negative.
  public init(train: Int?, validation: Int, test: Int, seed: Int) {
    precondition(
      (train ?? 0) >= 0 && validation >= 0 && test >= 0, "a split counts images: none below 0")
    self.train = train
    self.validation = validation
    self.test = test
    self.seed = seed
  }

  public var description: String {
    "\(train.map { "\($0)" } ?? "all") train, \(validation) validation, \(test) test, seed \(seed)"
  }
}
