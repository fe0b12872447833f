import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Training

/// Times a few seconds of an experiment's own work at its true shapes and works out the whole from it.
///
/// Layers cost the same each, so a model is timed with one layer and with three, of random weights, and the
/// rest is a straight line; so are its activations. What models the run makes first are timed whole: they are
/// small.
struct Calibration {
  let inputs: ExperimentInputs
  let counts: PlanCounts
  let options: RunOptions
  private let depths = (1, 3)

  init(inputs: ExperimentInputs, counts: PlanCounts, options: RunOptions) {
    self.inputs = inputs
    self.counts = counts
    self.options = options
  }

  private var threads: Int { options.threads }
  private var executor: LaneExecutor { LaneExecutor(threads: threads) }

  /// Fills in times and activations.
  func measure(_ plan: inout RunPlan) throws {
    let seeds = Double(plan.seeds)
    if case .small(let settings) = inputs.config.languageModel, settings.epochs > 0 {
      let cost = try makingLanguageModel(settings)
      plan.steps.append(RunPlan.Step(step: "training the small language model", cost: cost))
    }
    if let settings = inputs.config.encoder.made, settings.epochs > 0 {
      let cost = try makingEncoder(settings)
      plan.steps.append(RunPlan.Step(step: "training the small encoder", cost: cost))
    }
    if inputs.encoder != nil {
      let missing = Double(plan.features.images - (plan.features.stored ?? 0))
      let cost = missing > 0 ? missing * (try encodingOneImage()) : Cost()
      plan.steps.append(RunPlan.Step(step: "encoding", cost: cost))
    }
    let models = try truncatedModels()
    for (index, config) in Arm.arms(of: inputs.config).enumerated() {
      let arm = plan.arms[index]
      let (training, activations) = try training(config, models)
      // Validation is forward only, at the rate that training had.
      let flops = arm.flopsPerUpdate * Double(arm.updates)
      let validation = flops > 0 ? (arm.flops - flops) / flops * training : Cost()
      plan.arms[index].memory.activations = activations
      plan.steps.append(
        RunPlan.Step(step: "training \(arm.arm)", cost: seeds * (training + validation)))
      let captions = try captions(config, visualTokens: arm.visualTokens, models)
      plan.steps.append(RunPlan.Step(step: "captions of \(arm.arm)", cost: seeds * captions))
    }
    plan.total = plan.steps.reduce(Cost()) { $0 + $1.cost }
  }

  // MARK: - The language model

  /// The language model with few layers, and how many; one entry if it has no more.
  private func truncatedModels() throws -> [(layers: Int, model: any LanguageModel)] {
    let full = inputs.model.layerCount
    let layers = full <= depths.1 ? [full] : [depths.0, depths.1]
    return try layers.map { count in
      switch inputs.config.languageModel {
      case .small(var settings):
        settings.layers = count
        return (
          count,
          try SmallDecoder(
            settings, vocabularySize: inputs.model.vocabularySize, in: Self.filled())
        )
      case .pretrained:
        guard var description = (inputs.model as? LlamaForCausalLM)?.description else {
          preconditionFailure("a model from a folder is of Llama's form")
        }
        description.layers = count
        return (count, try LlamaForCausalLM(description, in: Self.filled()))
      }
    }
  }

  /// Weights that are quick to make: what they are worth does not change what a product takes.
  private static func filled() -> ParameterScope {
    let period = 1 << 16
    var pattern = [Float](repeating: 0, count: period)
    pattern.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: RandomKey(seed: 0).named("calibration"), deviation: 0.02)
    }
    let values = pattern
    return ParameterScope(store: ParameterStore()) { _, shape, target in
      guard shape.count > 1 else { return target.update(repeating: 1) }
      for first in stride(from: 0, to: target.count, by: period) {
        let range = first..<min(first + period, target.count)
        _ = UnsafeMutableBufferPointer(rebasing: target[range])
          .update(fromContentsOf: values[..<range.count])
      }
    }
  }

  /// The value of the whole model on the line through the two that were measured.
  private func extrapolated<Value>(
    _ measured: [(layers: Int, value: Value)], layers: Int,
    _ line: (_ first: Value, _ last: Value, _ steps: Double) -> Value
  ) -> Value {
    let (first, last) = (measured[0], measured[measured.count - 1])
    guard last.layers > first.layers else { return first.value }
    return line(
      first.value, last.value, Double(layers - first.layers) / Double(last.layers - first.layers))
  }

  private func extrapolated(_ measured: [(layers: Int, value: Cost)], layers: Int) -> Cost {
    extrapolated(measured, layers: layers) { first, last, steps in
      first + steps * (last - first).clamped
    }
  }

  // MARK: - Training an arm

  /// All updates of one seed, and the activations at the peak.
  private func training(
    _ arm: Arm, _ models: [(layers: Int, model: any LanguageModel)]
  ) throws -> (cost: Cost, activations: Int) {
    var total = Cost()
    var activations = 0
    for stage in inputs.config.training.stages {
      let trainsModel = stage.train.contains(.languageModel)
      var costs: [(layers: Int, value: Cost)] = []
      var peaks: [(layers: Int, value: Double)] = []
      for (layers, model) in models {
        let update = try self.update(arm, stage, model)
        costs.append((layers, update.cost))
        peaks.append((layers, Double(update.peakBytes)))
        if trainsModel { model.setTrainable(false) }
      }
      let layers = inputs.model.layerCount
      let (updates, _) = counts.updates(
        samples: try counts.sequences(counts.set.train, for: stage).samples.count,
        batch: stage.batchSize,
        epochs: stage.epochs)
      total = total + Double(updates) * extrapolated(costs, layers: layers)
      let peak = extrapolated(peaks, layers: layers) { $0 + $2 * max(0, $1 - $0) }
      activations = max(activations, Int(peak))
    }
    return (total, activations)
  }

  /// One update of an arm, the second of two.
  private func update(
    _ arm: Arm, _ stage: StageConfig, _ model: any LanguageModel
  ) throws -> (cost: Cost, peakBytes: Int) {
    let training = inputs.config.training
    let trainsModel = stage.train.contains(.languageModel)
    let known = try counts.sequences(counts.set.train, for: stage).samples
    guard !known.isEmpty else { return (Cost(), 0) }
    let batch = min(stage.batchSize, known.count)
    let filled = min(training.lanes, batch)
    // Frozen weights keep nothing of a lane that is done, so as many lanes as threads show the work.
    let lanes = trainsModel ? filled : min(threads, filled)
    let images = lanes * ((batch + filled - 1) / filled)
    let projector = try arm.config.projector.makeProjector(
      at: inputs.projectorSite,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 0)))
    let objective = AnswerObjective(
      projector: projector, model: model, patches: NoisePatches(inputs),
      sequences: SequenceSet((0..<images).map { known[$0 % known.count] }),
      end: inputs.template.end,
      choice: stage.captions)
    let parameters =
      (stage.train.contains(.projector) ? projector.parameters : [])
      + (trainsModel ? model.parameters : [])
    parameters.setTrainable(true)
    let optimizer = Adam(
      parameters, options: arm.config.optimizer(in: stage).options, executor: executor)
    let pool = Lanes(count: lanes, threads: threads)
    var gradients = Cost()
    var step = Cost()
    for _ in 0..<2 {
      let watch = Stopwatch()
      _ = try objective.gradients(
        of: Array(0..<images), for: parameters, draw: RandomKey(seed: 0),
        update: RandomKey(seed: 0), lanes: pool)
      gradients = watch.cost
      let stepWatch = Stopwatch()
      optimizer.step(learningRate: 0)
      step = stepWatch.cost
    }
    // The projector keeps what its weights' gradients are summed from, in the other lanes as well.
    let held = (filled - lanes) * pool.heldBytes / lanes
    return (Double(batch) / Double(images) * gradients + step, pool.pool.peakBytes + held)
  }

  // MARK: - Captions

  /// All rows of captions of the test images for one seed.
  private func captions(
    _ arm: Arm, visualTokens: Int, _ models: [(layers: Int, model: any LanguageModel)]
  ) throws -> Cost {
    let decode = inputs.config.evaluation.decode
    let controls = inputs.config.evaluation.controls
    let test = try counts.samples(counts.set.test)
    let text = (test.first?.prefix ?? []).reduce(0) { sum, piece in
      if case .text(let ids) = piece { sum + ids.count } else { sum }
    }
    let batch = max(1, min(decode.batch, test.count))
    let trial = min(4, decode.maxNewTokens)
    var prefixes: [(layers: Int, value: Cost)] = []
    var tokens: [(layers: Int, value: Cost)] = []
    for (layers, model) in models {
      let timing = GenerationTiming(
        model: model, batch: batch,
        prefix: text + visualTokens, threads: threads)
      _ = timing.seconds(newTokens: trial)
      let watch = Stopwatch()
      let (first, total) = timing.seconds(newTokens: trial)
      let processor = watch.processorSeconds / max(total, 1e-9)
      func cost(_ seconds: Double) -> Cost {
        Cost(seconds: seconds, processorSeconds: seconds * processor)
      }
      prefixes.append((layers, cost(first)))
      tokens.append((layers, cost((total - first) / Double(max(trial - 1, 1)))))
    }
    let layers = inputs.model.layerCount
    let prefix = extrapolated(prefixes, layers: layers)
    let token = extrapolated(tokens, layers: layers)
    // As long as people's captions; before training nothing ends one.
    let trained = try min(Double(counts.meanTestAnswer() + 1), Double(decode.maxNewTokens))
    var lengths = [trained]
    if !arm.isControl, controls.contains(.untrained) { lengths.append(Double(decode.maxNewTokens)) }
    if !arm.isControl, controls.contains(.shuffled) { lengths.append(trained) }
    let batches = Double((test.count + batch - 1) / batch)
    let rounds = max(1, batches / Double(threads))
    return lengths.reduce(Cost()) { $0 + rounds * (prefix + $1 * token) }
  }

  // MARK: - The encoder

  /// One image from its file to its features, all threads at work.
  private func encodingOneImage() throws -> Cost {
    guard let encoder = inputs.encoder else { return Cost() }
    let full: any VisionEncoder
    let read: Cost
    if case .pretrained(let kind, let settings) = inputs.config.encoder {
      let folder = try ModelFolder(resolving: settings.model.location)
      let shallow = try ShallowFolder(folder, layers: depths.1)
      defer { shallow.remove() }
      let made = try PretrainedEncoder(
        kind, settings.withRandomWeights, folder: shallow.folder, executor: executor)
      full = made.model
      let images = Array(inputs.data.media.prefix(2 * threads))
      let watch = Stopwatch()
      _ = try executor.map(count: images.count) {
        try made.processor.pixels(of: images[$0]).values.count
      }
      read = 1 / Double(max(images.count, 1)) * watch.cost
    } else if let settings = inputs.config.encoder.made {
      full = try SmallEncoder(settings, input: encoder.processor.shape, in: Self.filled())
      read = Cost()
    } else {
      return Cost()
    }
    let deepest = min(encoder.depth, full.layerCount)
    var measured: [(layers: Int, value: Cost)] = []
    for depth in Set([min(1, deepest), deepest]).sorted() {
      _ = timeEncoding(full, encoder, depth: depth)
      measured.append((depth, timeEncoding(full, encoder, depth: depth)))
    }
    return read + extrapolated(measured, layers: encoder.depth)
  }

  /// Of one image, one at a time on each thread.
  private func timeEncoding(_ model: any VisionEncoder, _ shape: EncoderSide, depth: Int) -> Cost {
    let pool = BufferPool()
    let input = shape.processor.shape
    let each = 2
    let watch = Stopwatch()
    executor.run(count: threads) { _ in
      let tape = Tape(pool: pool, recordsGradients: false)
      for _ in 0..<each {
        let pixels = tape.tensor(rows: 1, width: input.count) { $0.update(repeating: 0.5) }
        _ = model.hidden(
          [ImageBatch(pixels, height: input.height, width: input.width)], depth: depth,
          finalNorm: true, in: Context(tape: tape))
        tape.reset()
      }
    }
    return 1 / Double(each * threads) * watch.cost
  }

  // MARK: - Models that the run makes

  private func makingLanguageModel(_ settings: SmallDecoderConfig) throws -> Cost {
    let model = try SmallDecoder(
      settings, vocabularySize: inputs.model.vocabularySize, in: Self.filled())
    let texts = inputs.texts(of: counts.set.train)
    let batch = min(settings.batchSize, texts.count)
    let training = TextObjective(
      model: model, opening: inputs.opening, end: inputs.template.end, texts: texts)
    let cost = try update(model.parameters, settings.optimizer) { lanes in
      _ = try training.gradients(
        of: Array(0..<batch), for: model.parameters, draw: RandomKey(seed: 0),
        update: RandomKey(seed: 0), lanes: lanes)
    }
    let (updates, epochs) = counts.updates(
      samples: counts.set.train.count, batch: settings.batchSize, epochs: settings.epochs)
    // Validation is a third of the work.
    let validation = Double(epochs * counts.set.validation.count) / Double(3 * max(batch, 1))
    return (Double(updates) + validation) * cost
  }

  private func makingEncoder(_ settings: SmallEncoderConfig) throws -> Cost {
    let input = inputs.encoder?.processor.shape ?? .square(settings.patch)
    let texts = inputs.texts(of: counts.set.train)
    let longest = texts.flatMap { $0.map(\.count) }.max() ?? 1
    let pair = try ContrastivePair(
      settings, input: input, vocabulary: inputs.model.vocabularySize,
      captionLength: longest, in: Self.filled())
    let batch = min(settings.batchSize, texts.count)
    var pixels = [Float](repeating: 0, count: input.count)
    pixels.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: RandomKey(seed: 0), deviation: 1)
    }
    let training = ContrastiveObjective(
      pair: PixelPair(
        pair: pair,
        pixels: Array(
          repeating: PixelValues(pixels, height: input.height, width: input.width), count: batch)),
      captions: (0..<batch).map { [texts[$0].first ?? [0]] })
    let cost = try update(pair.parameters, settings.optimizer) { lanes in
      _ = try training.gradients(
        of: Array(0..<batch), for: pair.parameters, draw: RandomKey(seed: 0),
        update: RandomKey(seed: 0), lanes: lanes)
    }
    let (updates, _) = counts.updates(
      samples: counts.set.train.count, batch: settings.batchSize, epochs: settings.epochs)
    return Double(updates) * cost
  }

  /// One update, the mean of some after a first.
  private func update(
    _ parameters: [Parameter], _ settings: OptimizerConfig, gradients: (Lanes) throws -> Void
  ) rethrows -> Cost {
    parameters.setTrainable(true)
    let optimizer = Adam(parameters, options: settings.options, executor: executor)
    let lanes = Lanes(count: inputs.config.training.lanes, threads: threads)
    let repetitions = 3
    var watch = Stopwatch()
    for index in 0...repetitions {
      if index == 1 { watch = Stopwatch() }
      try gradients(lanes)
      optimizer.step(learningRate: 0)
    }
    return 1 / Double(repetitions) * watch.cost
  }
}

/// Patches that are noise, the same for every medium.
private struct NoisePatches: PatchSource {
  let width: Int
  private let source: any PatchSource
  private let values: [Float]

  init(_ inputs: ExperimentInputs) {
    source = inputs.source
    width = inputs.source.width
    var noise = [Float](repeating: 0, count: inputs.grid.tokens * width)
    noise.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: RandomKey(seed: 0).named("features"), deviation: 1)
    }
    values = noise
  }

  func grid(of medium: Int) -> PatchGrid { source.grid(of: medium) }

  func patches(of media: [Int], in context: Context) -> Patches {
    let grids = media.map(grid(of:))
    let rows = grids.reduce(0) { $0 + $1.tokens }
    let tensor = context.tape.tensor(rows: rows, width: width) { target in
      for index in target.indices { target[index] = values[index % values.count] }
    }
    return Patches(tensor, grids: grids)
  }
}
