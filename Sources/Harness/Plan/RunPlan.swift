import Foundation

/// What an experiment will compute, keep and take, worked out without loading weights.
public struct RunPlan: Encodable, Sendable {
  public struct Data: Encodable, Sendable {
    public var kind: String
    public var trainImages: Int
    public var validationImages: Int
    public var testImages: Int
    /// Of all images together.
    public var captions: Int
    public var meanCaptionTokens: Double
  }

  public struct Model: Encodable, Sendable {
    public var name: String
    /// Every weight of the class, those that this use of it leaves unused too (ViT's pooler, SigLIP's
    /// head), as transformers counts them.
    public var parameters: Int
    /// Forward, for one image.
    public var flopsPerImage: Double?
    /// Whether the run trains it before anything else.
    public var isMadeByTheRun: Bool
  }

  /// What the encoder hands on, for all images.
  public struct Features: Encodable, Sendable {
    public var images: Int
    public var tokens: Int
    public var width: Int
    /// In the feature store; features are read as they are needed.
    public var bytesOnDisk: Int
    /// How many of the images the store holds already; nil where the encoder is still to be trained.
    public var stored: Int?
  }

  public struct Arm: Encodable, Sendable {
    public var arm: String
    public var control: Bool
    public var visualTokens: Int
    /// Rows of a sequence: visual tokens, prompt, a caption of mean length and its end.
    public var sequenceTokens: Int
    public var projectorParameters: Int
    /// Of all stages together: the projector's, and the language model's if a stage trains it.
    public var trainableParameters: Int
    /// Encoder, projector and language model.
    public var totalParameters: Int
    /// Forward pass of projector and language model for one image and one caption of mean length.
    public var flopsPerSample: Double
    /// Forward and backward, mean over the updates.
    public var flopsPerUpdate: Double
    public var updates: Int
    /// Of one seed: all updates, and validation.
    public var flops: Double
    public var memory: Memory
  }

  /// Bytes while an arm trains.
  public struct Memory: Encodable, Sendable {
    /// Language model and projector.
    public var weights: Int
    public var gradients: Int
    /// AdamW's two moments.
    public var optimizer: Int
    /// Activations and their gradients at the peak; nil without a calibration.
    public var activations: Int?

    public var total: Int { weights + gradients + optimizer + (activations ?? 0) }
  }

  /// One part of the run.
  public struct Step: Encodable, Sendable {
    public var step: String
    public var cost: Cost
  }

  public var experiment: String
  /// Cells of each arm: seeds times folds.
  public var seeds: Int
  public var data: Data
  /// nil for features that another tool made.
  public var encoder: Model?
  public var languageModel: Model
  public var features: Features
  public var arms: [Arm]
  /// FLOPs of encoding, of all arms and seeds, and of the models that the run makes first.
  public var flops: Double
  /// The most bytes at one time.
  public var peakMemoryBytes: Int
  public var threads: Int
  /// Empty without a calibration. Scoring and figures are not in it.
  public var steps: [Step] = []
  public var total: Cost?
}

/// What some work takes.
public struct Cost: Encodable, Sendable, Equatable {
  /// On the clock, with the machine as loaded as it was when this was measured.
  public var seconds = 0.0
  /// Of the processor, all threads together.
  public var processorSeconds = 0.0

  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(
      seconds: a.seconds + b.seconds, processorSeconds: a.processorSeconds + b.processorSeconds)
  }

  public static func - (a: Cost, b: Cost) -> Cost { a + -1 * b }

  public static func * (factor: Double, cost: Cost) -> Cost {
    Cost(seconds: factor * cost.seconds, processorSeconds: factor * cost.processorSeconds)
  }

  /// None of it below 0: a difference of two measurements may be.
  var clamped: Cost {
    Cost(seconds: max(0, seconds), processorSeconds: max(0, processorSeconds))
  }
}

extension Stopwatch {
  var cost: Cost { Cost(seconds: seconds, processorSeconds: processorSeconds) }
}
