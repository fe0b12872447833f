import Datasets
import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Multiplications and additions of a run, from the true lengths of its text. A multiply-add counts as 2; a
/// backward pass costs its forward pass again for the gradients of inputs and again for those of weights.
struct PlanCounts {
  /// What one arm, seed and fold computes.
  struct ArmWork {
    /// Forward, for one example and one answer of mean length.
    var perSample = 0.0
    var updates = 0
    /// Forward and backward of all updates.
    var training = 0.0
    var validation = 0.0
  }

  let inputs: ExperimentInputs
  let config: ExperimentConfig
  private let maximumUpdates: Int?

  init(_ inputs: ExperimentInputs, _ config: ExperimentConfig, maximumUpdates: Int?) {
    self.inputs = inputs
    self.config = config
    self.maximumUpdates = maximumUpdates
  }

  /// The first fold stands for all.
  var set: ExampleSet { inputs.data.folds[0] }

  /// Answers of a part of the data, as they are asked at the end.
  func samples(_ examples: [Example]) throws -> [SequenceSample] {
    try inputs.sequences.sequences(examples, config.answeredData, limit: nil).samples
  }

  func sequences(_ examples: [Example], for stage: StageConfig) throws -> SequenceSet {
    try inputs.sequences.sequences(examples, stage.data, limit: stage.maxTextTokens)
  }

  /// Tokens of each answer.
  static func answerLengths(_ samples: [SequenceSample]) -> [Int] {
    samples.flatMap { sample in
      sample.branches.flatMap { branch in
        branch.compactMap { piece -> Int? in
          if case .answer(let ids, _) = piece { ids.count } else { nil }
        }
      }
    }
  }

  static func mean(_ lengths: [Int]) -> Double {
    lengths.isEmpty ? 0 : Double(lengths.reduce(0, +)) / Double(lengths.count)
  }

  /// As the tables of a run take it.
  func meanTestAnswer() throws -> Int {
    max(1, Int(Self.mean(Self.answerLengths(try samples(set.test)))))
  }

  /// Updates of a stage over `samples`, and passes that are begun.
  func updates(samples: Int, batch: Int, epochs: Int) -> (updates: Int, epochs: Int) {
    let perEpoch = (samples + batch - 1) / batch
    let updates = maximumUpdates.map { min($0, epochs * perEpoch) } ?? epochs * perEpoch
    return (updates, (updates + perEpoch - 1) / max(perEpoch, 1))
  }

  /// Forward pass of projector and language model over samples.
  private func forward(
    _ samples: [SequenceSample], _ model: ArmModel, _ choice: CaptionChoice
  ) -> (language: Double, projector: Double, encoder: Double) {
    var (language, projector, media) = (0.0, 0.0, 0)
    for sample in samples {
      media += sample.media.count
      for medium in sample.media {
        projector += Double(model.projector.flops(of: inputs.source.grid(of: medium)))
      }
      guard choice == .random, sample.branches.count > 1 else {
        language += inputs.flops(of: sample, model)
        continue
      }
      let each = sample.branches.map { branch in
        var one = sample
        one.branches = [branch]
        return inputs.flops(of: one, model)
      }
      language += each.reduce(0, +) / Double(each.count)
    }
    let live = model.source.parameters.isEmpty ? 0 : encodingFLOPs * Double(media)
    return (language, projector, live)
  }

  func work(of model: ArmModel) throws -> ArmWork {
    var work = ArmWork()
    work.perSample = inputs.flopsPerSample(model, answering: try samples(set.test))
    for (index, stage) in config.training.stages.enumerated() {
      let set = inputs.data.set(of: index, fold: 0)
      let train = try sequences(set.train, for: stage).samples
      let (updates, epochs) = updates(
        samples: train.count, batch: stage.batchSize * stage.accumulation, epochs: stage.epochs)
      let cost = forward(train, model, stage.captions)
      func factor(_ part: TrainablePart) -> Double { stage.train.contains(part) ? 3 : 1 }
      // Gradients of the visual tokens are needed only for what stands before them.
      let language = cost.language * (stage.train.contains(.languageModel) ? 3 : 2)
      let all =
        language + cost.projector * factor(.projector) + cost.encoder * factor(.encoder)
      let images =
        Double(updates * stage.batchSize * stage.accumulation)
        / Double(max(train.count, 1))
      work.updates += updates
      work.training += min(images, Double(stage.epochs)) * all
      let validated = forward(try sequences(set.validation, for: stage).samples, model, .all)
      work.validation +=
        Double(epochs) * (validated.language + validated.projector + validated.encoder)
    }
    return work
  }

  /// Forward, for one image.
  var encodingFLOPs: Double {
    inputs.encoder.map {
      $0.model.forwardFLOPs(
        height: $0.processor.shape.height, width: $0.processor.shape.width, depth: $0.depth)
    } ?? 0
  }

  /// Of training the small language model on the captions' text.
  var languageModelFLOPs: Double {
    guard case .small(let settings) = config.languageModel, settings.epochs > 0 else { return 0 }
    let texts = inputs.texts(of: set.train)
    let (updates, _) = updates(
      samples: texts.count, batch: settings.batchSize, epochs: settings.epochs)
    let sum = texts.reduce(0.0) { sum, text in
      let sample = SequenceSample(
        media: [], prefix: [.text(inputs.opening)],
        branches: [[.answer(text.flatMap { $0 + [0] })]])
      let batch = SequenceBatch([sample], visualTokens: [], end: inputs.template.end)
      return sum + inputs.model.forwardFLOPs(batch.work)
    }
    return 3 * sum / Double(max(texts.count, 1)) * Double(updates * settings.batchSize)
  }

  /// Of training the small encoder, the image side alone.
  var encoderFLOPs: Double {
    guard let settings = config.encoder.made, settings.epochs > 0 else { return 0 }
    let (updates, _) = updates(
      samples: set.train.count, batch: settings.batchSize, epochs: settings.epochs)
    return 3 * encodingFLOPs * Double(updates * settings.batchSize)
  }
}
