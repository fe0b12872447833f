import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Works out what an experiment will compute, keep and take: `dragoman run --plan`.
public struct RunPlanner {
  let point: ExperimentPoint
  let name: String
  let options: RunOptions

  /// - Parameter name: of the experiment.
  public init(_ point: ExperimentPoint, name: String, options: RunOptions) {
    self.point = point
    self.name = name
    self.options = options
  }

  /// - Parameter calibrates: whether times and activations are measured, a few seconds of work.
  /// - Throws: what reading data, `config.json`, tokenizers and headers of weights throws.
  public func plan(calibrates: Bool = true) throws -> RunPlan {
    let config = point.config
    let executor = LaneExecutor(threads: options.threads)
    let inputs = try InputLoader(
      config: config, cache: options.cache, executor: executor, console: Console(quiet: true),
      stop: StopSignal(), maximumUpdates: options.maximumUpdates
    ).shapes()
    let counts = PlanCounts(inputs, config, maximumUpdates: options.maximumUpdates)
    let features = try features(inputs, executor)
    let arms = try Arm.arms(of: config).map { try arm($0, inputs, counts, features) }
    let encoding = Double(features.images - (features.stored ?? 0)) * counts.encodingFLOPs
    let all = try [counts.set.train, counts.set.validation, counts.set.test].map {
      try counts.samples($0)
    }
    let lengths = PlanCounts.answerLengths(all.flatMap { $0 })
    let cells = config.training.seeds.count * inputs.data.folds.count
    var plan = RunPlan(
      experiment: point.title(name), seeds: cells,
      data: RunPlan.Data(
        kind: config.dataset.kind, trainImages: counts.set.train.count,
        validationImages: counts.set.validation.count, testImages: counts.set.test.count,
        captions: lengths.count, meanCaptionTokens: PlanCounts.mean(lengths)),
      encoder: inputs.encoder.map {
        RunPlan.Model(
          name: $0.name, parameters: $0.model.parameterCount,
          flopsPerImage: counts.encodingFLOPs, isMadeByTheRun: $0.isMadeByTheRun)
      },
      languageModel: RunPlan.Model(
        name: "\(config.languageModel.kind) \(inputs.model.sizeText)",
        parameters: inputs.model.parameterCount, flopsPerImage: nil,
        isMadeByTheRun: config.languageModel.pretrained == nil),
      features: features, arms: arms,
      flops: counts.languageModelFLOPs + counts.encoderFLOPs + encoding
        + Double(cells) * arms.reduce(0) { $0 + $1.flops },
      peakMemoryBytes: 0, threads: options.threads)
    if calibrates {
      try Calibration(inputs: inputs, counts: counts, options: options).measure(&plan)
    }
    let encoderBytes = 4 * (inputs.encoder?.model.parameterCount ?? 0)
    let encodingBytes = encoderBytes + 4 * inputs.model.parameterCount
    plan.peakMemoryBytes = max(encodingBytes, plan.arms.map(\.memory.total).max() ?? 0)
    return plan
  }

  private func features(
    _ inputs: ExperimentInputs, _ executor: LaneExecutor
  ) throws -> RunPlan.Features {
    let media = inputs.data.media
    let tokens = inputs.grid.tokens
    let numbers = media.count * tokens * inputs.source.width
    let half = inputs.encoder?.precision == .float16
    let stored: Int? =
      if let encoder = inputs.encoder {
        try encoder.description.map {
          try FeatureStore(cache: options.cache).storedCount(of: media, $0, executor: executor)
        }
      } else {
        media.count
      }
    return RunPlan.Features(
      images: media.count, tokens: tokens, width: inputs.source.width,
      bytesOnDisk: inputs.encoder == nil ? 0 : numbers * (half ? 2 : 4), stored: stored)
  }

  private func arm(
    _ arm: Arm, _ inputs: ExperimentInputs, _ counts: PlanCounts, _ features: RunPlan.Features
  ) throws -> RunPlan.Arm {
    let training = inputs.config.training
    let model = try ArmModel(arm, seed: 0, inputs: inputs, training: training)
    let work = try counts.work(of: model)
    let trainable = model.trainableCount
    let copies = training.trains(.languageModel) ? inputs.model.parameterCount : 0
    let visual = model.projector.visualTokens(of: inputs.grid)
    let text = try counts.samples(counts.set.test).first.map { sample in
      sample.prefix.reduce(0) { sum, piece in
        if case .text(let ids) = piece { sum + ids.count } else { sum }
      }
    }
    let encoder = inputs.encoder?.model.parameterCount ?? 0
    let mean = try counts.meanTestAnswer()
    return RunPlan.Arm(
      arm: arm.name, control: arm.isControl, visualTokens: visual,
      sequenceTokens: visual + (text ?? 0) + mean + 1,
      projectorParameters: model.projector.parameterCount, trainableParameters: trainable,
      totalParameters: model.projector.parameterCount + inputs.model.parameterCount + encoder,
      flopsPerSample: work.perSample,
      flopsPerUpdate: work.training / Double(max(work.updates, 1)),
      updates: work.updates, flops: work.training + work.validation,
      memory: RunPlan.Memory(
        // An arm that trains the language model does so with a copy.
        weights: 4 * (model.parameterCount + copies), gradients: 4 * trainable,
        optimizer: 8 * trainable, activations: nil))
  }
}
