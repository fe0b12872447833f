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
  let experiment: Experiment
  let options: RunOptions

  public init(_ experiment: Experiment, options: RunOptions) {
    self.experiment = experiment
    self.options = options
  }

  /// - Parameter calibrates: whether times and activations are measured, a few seconds of work.
  /// - Throws: what reading data, `config.json`, tokenizers and headers of weights throws.
  public func plan(calibrates: Bool = true) throws -> RunPlan {
    let config = experiment.config
    let inputs = try PlanInputs(config, executor: LaneExecutor(threads: options.threads))
    let counts = PlanCounts(inputs, maximumUpdates: options.maximumUpdates)
    let features = try features(inputs)
    let arms = try ArmPlan.arms(of: config).map { try arm($0, inputs, counts, features) }
    let languageMake = counts.languageModelFLOPs
    let encoderMake = counts.encoderFLOPs
    let encoding = Double(features.images - (features.stored ?? 0)) * counts.encodingFLOPs
    let allCaptions = counts.train + counts.validation + counts.test
    var plan = RunPlan(
      experiment: experiment.name,
      seeds: config.training.seeds.count,
      data: RunPlan.Data(
        kind: config.dataset.kind, trainImages: inputs.dataset.train.count,
        validationImages: inputs.dataset.validation.count,
        testImages: inputs.dataset.test.count,
        captions: allCaptions.reduce(0) { $0 + $1.count },
        meanCaptionTokens: PlanCounts.mean(allCaptions)),
      encoder: inputs.encoder.map {
        RunPlan.Model(
          name: $0.name, parameters: $0.model.parameterCount,
          flopsPerImage: counts.encodingFLOPs, isMadeByTheRun: $0.isSmall)
      },
      languageModel: RunPlan.Model(
        name: languageModelName(inputs), parameters: inputs.model.parameterCount,
        flopsPerImage: nil, isMadeByTheRun: config.languageModel.pretrained == nil),
      features: features, arms: arms,
      flops: languageMake + encoderMake + encoding
        + Double(config.training.seeds.count) * arms.reduce(0) { $0 + $1.flops },
      peakMemoryBytes: 0, threads: options.threads)
    if calibrates {
      try Calibration(inputs: inputs, counts: counts, options: options).measure(&plan)
    }
    let encoderBytes = 4 * (inputs.encoder?.model.parameterCount ?? 0)
    let encodingBytes = encoderBytes + 4 * inputs.model.parameterCount + features.bytesInMemory
    plan.peakMemoryBytes = max(encodingBytes, plan.arms.map(\.memory.total).max() ?? 0)
    return plan
  }

  private func languageModelName(_ inputs: PlanInputs) -> String {
    let description = inputs.model.description
    return "\(inputs.config.languageModel.kind) \(description.layers)×\(description.width), "
      + "vocabulary \(description.vocabularySize)"
  }

  private func features(_ inputs: PlanInputs) throws -> RunPlan.Features {
    let images = inputs.dataset.images
    let numbers = images.count * inputs.tokens * inputs.width
    let half = inputs.encoder?.precision == .float16
    let stored: Int? =
      if let encoder = inputs.encoder {
        try encoder.description.map {
          try FeatureStore(cache: options.cache).storedCount(
            of: images, $0, executor: inputs.executor)
        }
      } else {
        images.count
      }
    return RunPlan.Features(
      images: images.count, tokens: inputs.tokens, width: inputs.width,
      bytesOnDisk: inputs.encoder == nil ? 0 : numbers * (half ? 2 : 4),
      bytesInMemory: numbers * 4, stored: stored)
  }

  private func arm(
    _ plan: ArmPlan, _ inputs: PlanInputs, _ counts: PlanCounts, _ features: RunPlan.Features
  ) throws -> RunPlan.Arm {
    let projector = try plan.config.projector.makeProjector(
      patchWidth: inputs.width, patchCount: inputs.tokens, languageWidth: inputs.model.width,
      in: .shapes)
    let work = counts.work(of: projector)
    let trainsProjector = inputs.config.training.trains(.projector)
    let trainsModel = inputs.config.training.trains(.languageModel)
    let (own, language) = (projector.parameterCount, inputs.model.parameterCount)
    let trainable = (trainsProjector ? own : 0) + (trainsModel ? language : 0)
    let prefix = inputs.format
    return RunPlan.Arm(
      arm: plan.name, control: plan.isControl,
      visualTokens: projector.visualTokens(patches: inputs.tokens),
      sequenceTokens: prefix.opening.count + projector.visualTokens(patches: inputs.tokens)
        + prefix.prompt.count + counts.meanTestCaption + 1,
      projectorParameters: own, trainableParameters: trainable,
      totalParameters: own + language + (inputs.encoder?.model.parameterCount ?? 0),
      flopsPerSample: work.perSample, flopsPerUpdate: work.training / Double(work.updates),
      updates: work.updates, flops: work.training + work.validation,
      memory: RunPlan.Memory(
        // An arm that trains the language model does so with a copy.
        weights: 4 * (own + language * (trainsModel ? 2 : 1)), gradients: 4 * trainable,
        optimizer: 8 * trainable, activations: nil, features: features.bytesInMemory))
  }
}
