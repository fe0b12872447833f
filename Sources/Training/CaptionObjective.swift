import Datasets
import LanguageModels
import Layers
import Tensors

/// Gives the patch features of an image by its place in the data: every arm reads the same ones.
public protocol FeatureSource: Sendable {
  /// Patch width D.
  var width: Int { get }
  /// Patches P of an image.
  func patches(of image: Int) -> Int
  /// Writes `[P, D]`.
  func copy(_ image: Int, to values: UnsafeMutableBufferPointer<Float>)
}

extension FeatureSource {
  /// The features of several images as packed rows.
  public func rows(of images: [Int], on tape: Tape) -> Rows {
    let segments = Segments(lengths: images.map(patches(of:)))
    let tensor = tape.tensor(rows: segments.totalRows, width: width) { values in
      for (index, image) in images.enumerated() {
        let range = segments[index].lowerBound * width..<segments[index].upperBound * width
        copy(image, to: UnsafeMutableBufferPointer(rebasing: values[range]))
      }
    }
    return Rows(tensor, segments)
  }
}

/// Next-token loss on captions after the visual tokens of a projector, everything but it frozen.
public struct CaptionObjective: Objective {
  let projector: any Projector
  let model: any LanguageModel
  let features: any FeatureSource
  let format: CaptionFormat
  /// Of each image: its place in `features` and its captions' tokens, the end token left out.
  let images: [(feature: Int, captions: [[Int32]])]
  let choice: CaptionChoice

  public init(
    projector: any Projector, model: any LanguageModel, features: any FeatureSource,
    format: CaptionFormat, images: [(feature: Int, captions: [[Int32]])],
    choice: CaptionChoice = .all
  ) {
    self.projector = projector
    self.model = model
    self.features = features
    self.format = format
    self.images = images
    self.choice = choice
  }

  public var sampleCount: Int { images.count }

  public func weight(of sample: Int, draw: RandomKey) -> Int {
    captions(of: sample, draw: draw).reduce(0) { $0 + $1.count + 1 }
  }

  public func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) -> Loss {
    let patches = features.rows(of: samples.map { images[$0].feature }, on: context.tape)
    let visual = projector(patches, in: context)
    let batch = CaptionBatch(
      format: format, visualTokens: visual.segments,
      captions: samples.map { captions(of: $0, draw: draw) })
    return model.captionLoss(visual: visual, batch: batch, scale: scale, in: context)
  }

  private func captions(of sample: Int, draw: RandomKey) -> [[Int32]] {
    let all = images[sample].captions
    guard choice == .random, all.count > 1 else { return all }
    var stream = draw.named("caption").numbered(sample).stream
    return [all[stream.integer(below: all.count)]]
  }
}
