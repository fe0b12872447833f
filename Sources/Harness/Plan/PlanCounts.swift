import Datasets
import Encoders
import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Multiplications and additions of a run, from the captions' true lengths. A multiply-add counts as 2; a
/// backward pass costs its forward pass again for the gradients of inputs and again for those of weights.
struct PlanCounts {
  /// What one arm and seed computes.
  struct ArmWork {
    /// Forward, for one image and one caption of mean length.
    var perSample = 0.0
    var updates = 0
    /// Forward and backward of all updates.
    var training = 0.0
    var validation = 0.0
  }

  let inputs: PlanInputs
  /// Of each image its captions' ids.
  let train: [[[Int32]]]
  let validation: [[[Int32]]]
  let test: [[[Int32]]]
  private let maximumUpdates: Int?

  init(_ inputs: PlanInputs, maximumUpdates: Int?) {
    self.inputs = inputs
    self.maximumUpdates = maximumUpdates
    train = inputs.captions(of: inputs.dataset.train)
    validation = inputs.captions(of: inputs.dataset.validation)
    test = inputs.captions(of: inputs.dataset.test)
  }

  static func mean(_ captions: [[[Int32]]]) -> Double {
    let lengths = captions.flatMap { $0.map(\.count) }
    return lengths.isEmpty ? 0 : Double(lengths.reduce(0, +)) / Double(lengths.count)
  }

  /// As the tables of a run take it.
  var meanTestCaption: Int { max(1, Int(Self.mean(test))) }

  /// Updates of a stage over `samples`, and passes that are begun.
  func updates(samples: Int, batch: Int, epochs: Int) -> (updates: Int, epochs: Int) {
    let perEpoch = (samples + batch - 1) / batch
    let updates = maximumUpdates.map { min($0, epochs * perEpoch) } ?? epochs * perEpoch
    return (updates, (updates + perEpoch - 1) / max(perEpoch, 1))
  }

  /// Forward pass of the language model for one image's captions.
  func forward(visualTokens: Int, captions: [[Int32]]) -> Double {
    inputs.sequence.forwardFLOPs(
      of: inputs.model, visualTokens: visualTokens, captions: captions)
  }

  func work(of projector: any Projector) -> ArmWork {
    let visualTokens = projector.visualTokens(patches: inputs.tokens)
    let projection = Double(projector.flopsPerSample(patches: inputs.tokens))
    func total(_ captions: [[[Int32]]], _ choice: CaptionChoice) -> Double {
      captions.reduce(0) { sum, captions in
        guard choice == .random, captions.count > 1 else {
          return sum + forward(visualTokens: visualTokens, captions: captions)
        }
        let each = captions.map { forward(visualTokens: visualTokens, captions: [$0]) }
        return sum + each.reduce(0, +) / Double(each.count)
      }
    }
    var work = ArmWork()
    work.perSample =
      projection
      + forward(
        visualTokens: visualTokens, captions: [[Int32](repeating: 0, count: meanTestCaption)])
    for stage in inputs.config.training.stages {
      let (updates, epochs) = updates(
        samples: train.count, batch: stage.batchSize, epochs: stage.epochs)
      let trainsModel = stage.train.contains(.languageModel)
      let trainsProjector = stage.train.contains(.projector)
      // Gradients of the visual tokens are needed only for a projector that learns.
      let model = total(inputs.cut(train, for: stage), stage.captions) * (trainsModel ? 3 : 2)
      let projectors = Double(train.count) * projection * (trainsProjector ? 3 : 1)
      let images = Double(updates * stage.batchSize) / Double(max(train.count, 1))
      work.updates += updates
      work.training += min(images, Double(stage.epochs)) * (model + projectors)
      let validated = total(inputs.cut(validation, for: stage), .all)
      work.validation +=
        Double(epochs) * (validated + Double(validation.count) * projection)
    }
    return work
  }

  /// Forward, for one image.
  var encodingFLOPs: Double {
    inputs.encoder.map {
      $0.model.forwardFLOPs(height: $0.height, width: $0.width, depth: $0.depth)
    } ?? 0
  }

  /// Of training the small language model on the captions' text.
  var languageModelFLOPs: Double {
    guard case .small(let settings) = inputs.config.languageModel else { return 0 }
    let (updates, _) = updates(
      samples: train.count, batch: settings.batchSize, epochs: settings.epochs)
    let mean = train.reduce(0) {
      $0 + forward(visualTokens: 0, captions: [$1.flatMap { $0 + [0] }])
    }
    return 3 * mean / Double(max(train.count, 1)) * Double(updates * settings.batchSize)
  }

  /// Of training the small encoder, the image side alone.
  var encoderFLOPs: Double {
    guard case .small(let settings) = inputs.config.encoder else { return 0 }
    let (updates, _) = updates(
      samples: train.count, batch: settings.batchSize, epochs: settings.epochs)
    return 3 * encodingFLOPs * Double(updates * settings.batchSize)
  }
}
