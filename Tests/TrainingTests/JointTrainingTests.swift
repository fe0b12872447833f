import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import TestSupport
import Testing
import Training

/// Projector and language model trained together, against PyTorch. Fixture and model are the repository's own.
@Suite("Joint training beside PyTorch")
struct JointTrainingGoldenTests {
  struct Settings: Decodable {
    let languageModel: String
    let prompt: [Int32]
    let end: Int32
    let captions: [[Int32]]
    let learningRate: Double
    let weightDecay: Double
    let clipNorm: Double
    let steps: Int
  }

  private struct Features: PatchSource {
    let width: Int
    let patches: Int
    let values: [Float]
    func grid(of medium: Int) -> PatchGrid { .sequence(patches) }
    func patches(of media: [Int], in context: Context) -> Patches {
      let count = patches * width
      let chosen = media.flatMap { values[$0 * count..<($0 + 1) * count] }
      return Patches(
        context.tape.tensor(chosen, rows: media.count * patches, width: width),
        grids: media.map(grid))
    }
  }

  private static var fixtures: URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures")
  }
  private static var folder: URL { fixtures.appending(path: "joint-training") }

  @Test("losses, gradient norms and weights of four updates", arguments: [1, 3])
  func updates(lanes: Int) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let settings = try decoder.decode(
      Settings.self, from: Data(contentsOf: Self.folder.appending(path: "io.json")))
    let io = try SafetensorsFile(Self.folder.appending(path: "io.safetensors"))
    let frozen = try LlamaForCausalLM(
      ModelFolder(resolving: Self.fixtures.appending(path: settings.languageModel).path),
      store: ParameterStore(),
      executor: LaneExecutor(threads: 2))
    let before = frozen.parameters.map(\.values)
    let model = try frozen.copied(prefix: "language_model.")
    let shape = try #require(io.info("features")?.shape)
    let projector = try MLPProjector(
      patchWidth: shape[2], languageWidth: model.width, layerNorm: true,
      in: ParameterScope(store: ParameterStore()) { name, _, values in
        _ = values.update(fromContentsOf: try io.floats("projector.start.\(name)"))
      })
    let parameters = projector.parameters + model.parameters
    for parameter in parameters { parameter.store.setTrainable([parameter], true) }
    let objective = AnswerObjective(
      projector: projector, model: model,
      patches: Features(
        width: shape[2], patches: shape[1], values: try io.floats("features")),
      sequences: SequenceSet(
        settings.captions.enumerated().map {
          SequenceSample(
            media: [$0.offset], prefix: [.visual(0), .text(settings.prompt)],
            branches: [[.answer($0.element)]])
        }), end: settings.end)
    var options = Adam.Options()
    options.weightDecay = settings.weightDecay
    options.clipNorm = settings.clipNorm
    let optimizer = Adam(parameters, options: options)
    var bounds = RoundingBounds(parameters, learningRate: settings.learningRate)
    let work = Lanes(count: lanes, threads: 2)
    let (losses, norms) = (try io.floats("losses"), try io.floats("gradient_norms"))
    for step in 0..<settings.steps {
      let loss = try objective.gradients(
        of: Array(settings.captions.indices), for: parameters, draw: RandomKey(seed: 0),
        update: RandomKey(seed: 0), lanes: work)
      bounds.add(parameters)
      let norm = optimizer.step(learningRate: settings.learningRate)
      #expect(abs(Float(loss) - losses[step]) < 1e-4 * losses[step], "step \(step)")
      #expect(abs(Float(norm) - norms[step]) < 1e-4 * norms[step], "step \(step)")
    }
    for (index, parameter) in parameters.enumerated() {
      let isModel = index >= projector.parameters.count
      let name =
        isModel
        ? parameter.name.replacing(
          "language_model.", with: "language_model.end.", maxReplacements: 1)
        : "projector.end." + parameter.name
      let far = bounds.far(parameter.values, from: try io.floats(name), of: index)
      #expect(far.isEmpty, "\(parameter.name): \(far.prefix(3))")
    }
    #expect(bounds.shareOfTight > 0.9, "the bound holds nearly every weight to a part of a step")
    #expect(frozen.parameters.map(\.values) == before, "the frozen weights stay as they are")
  }
}

/// How far a weight may be from PyTorch's after some updates of AdamW, when only rounding differs.
///
/// An update moves a weight by lr · m̂ / √v̂. Float32 sums of a gradient's some thousand terms in another
/// order differ by e ≈ 1e-5 of the tensor's largest gradient (2⁻²⁴ · √terms, with room for the layers between).
/// With r = √v̂, the root mean square of the weight's gradients so far, the quotient changes by some e / r; and
/// where the gradient is itself rounding (r ≲ e) it may be anything from −1 to 1, so two runs differ by up to
/// 2 lr an update. That is what a CPU with other kernels shows at single weights.
private struct RoundingBounds {
  private let learningRate: Double
  private var squares: [[Double]]
  private var bounds: [[Double]]
  private var updates = 0

  init(_ parameters: [Parameter], learningRate: Double) {
    self.learningRate = learningRate
    squares = parameters.map { [Double](repeating: 0, count: $0.count) }
    bounds = squares
  }

  /// After the gradients of an update were computed.
  mutating func add(_ parameters: [Parameter]) {
    updates += 1
    for (index, parameter) in parameters.enumerated() {
      let gradient = parameter.gradient.map(Double.init)
      let error = 1e-5 * (gradient.map(abs).max() ?? 0)
      for element in gradient.indices {
        squares[index][element] += gradient[element] * gradient[element]
        let size = (squares[index][element] / Double(updates)).squareRoot()
        // A weight that no sample reaches only decays, by the same bits on every machine.
        guard size > 0 else { continue }
        bounds[index][element] += learningRate * min(2, 4 * error / size)
      }
    }
  }

  /// Places and differences of the values beyond the bound.
  func far(_ values: [Float], from expected: [Float], of index: Int) -> [(Int, Float)] {
    values.indices.compactMap { element in
      let difference = values[element] - expected[element]
      let bound = bounds[index][element] + 1e-6 * (1 + Double(abs(expected[element])))
      return Double(abs(difference)) > bound ? (element, difference) : nil
    }
  }

  /// Weights that are held to less than half of one update, of the four that were made.
  var shareOfTight: Double {
    let all = bounds.flatMap { $0 }
    return Double(all.count { $0 < learningRate / 2 }) / Double(all.count)
  }
}

@Suite("Training the language model too")
struct JointTrainingTests {
  @Test("the frozen weights have no gradient buffer, the copy trains, both files load again")
  func copies() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let before = tiny.model.parameters.map(\.values)
    let bytes = tiny.model.parameters[0].store.allocatedBytes
    let model = try tiny.model.copied(prefix: "language_model.")
    #expect(model.parameters.map(\.values) == before)
    #expect(
      model.parameters.map(\.name) == tiny.model.parameters.map { "language_model." + $0.name })
    try train(tiny, model)
    #expect(tiny.model.parameters.map(\.values) == before)
    #expect(tiny.model.parameters[0].store.allocatedBytes == bytes)
    #expect(zip(model.parameters, before).allSatisfy { $0.values != $1 })
    let file = try SafetensorsFile(tiny.folder.appending(path: "checkpoint/\(Self.file)"))
    #expect(Set(file.names) == Set(tiny.model.parameters.map(\.name)))
    for (parameter, own) in zip(model.parameters, tiny.model.parameters) {
      #expect(try file.floats(own.name) == parameter.values)
    }
    #expect(
      Set(try SafetensorsFile(tiny.best).names)
        == Set(tiny.projector.parameters.map { "mm_projector." + $0.name }))
    let last = try SafetensorsFile(tiny.folder.appending(path: "checkpoint/last.safetensors"))
    #expect(last.names.contains("weight.language_model.model.embed_tokens.weight"))
  }

  @Test("a copy of a copy has the new names")
  func copyOfCopy() throws {
    let tiny = try TinyTraining()
    let names = try tiny.model.copied(prefix: "a.").copied(prefix: "b.").parameters.map(\.name)
    #expect(names == tiny.model.parameters.map { "b." + $0.name })
  }

  @Test("the same bits for one and two threads, and after stops")
  func sameBits() throws {
    func weights(threads: Int, stopsAfter updates: [Int]) throws -> [[Float]] {
      let tiny = try TinyTraining()
      defer { tiny.remove() }
      for update in updates {
        let model = try tiny.model.copied(prefix: "language_model.")
        let stop = StopSignal()
        #expect(throws: TrainingStopped.self) {
          try train(tiny, model, threads: threads, stop: stop) {
            if $0.update == update { stop.request() }
          }
        }
      }
      let model = try tiny.model.copied(prefix: "language_model.")
      try train(tiny, model, threads: threads)
      return tiny.weights + model.parameters.map(\.values)
    }
    let whole = try weights(threads: 1, stopsAfter: [])
    #expect(try weights(threads: 2, stopsAfter: []) == whole)
    #expect(try weights(threads: 2, stopsAfter: [1, 5]) == whole)
  }

  @Test("a stage for the projector, then one for both")
  func stages() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let model = try tiny.model.copied(prefix: "language_model.")
    let before = model.parameters.map(\.values)
    var afterFirst: [[Float]] = []
    try train(tiny, model, parts: [tiny.projector.parameters, Self.all(tiny, model)]) {
      if $0.stage == "0" { afterFirst = model.parameters.map(\.values) }
    }
    #expect(afterFirst == before)
    #expect(model.parameters.map(\.values) != before)
  }

  private static let file = "language_model.safetensors"

  private static func all(_ tiny: TinyTraining, _ model: LlamaForCausalLM) -> [Parameter] {
    tiny.projector.parameters + model.parameters
  }

  private func train(
    _ tiny: TinyTraining, _ model: LlamaForCausalLM, parts: [[Parameter]]? = nil,
    threads: Int = 2, stop: StopSignal = StopSignal(),
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) throws {
    let objective = AnswerObjective(
      projector: tiny.projector, model: model, patches: TinyTraining.Features(),
      sequences: SequenceSet(TinyTraining.samples), end: 23)
    var optimizer = OptimizerConfig()
    optimizer.peakLearningRate = 0.01
    let stages = (parts ?? [Self.all(tiny, model)]).enumerated().map { index, parameters in
      Stage(
        name: "\(index)", objective: objective, parameters: parameters, epochs: 2, batchSize: 4,
        optimizer: optimizer, validation: objective)
    }
    _ = try StageTrainer(
      stages: stages, lanes: Lanes(count: 3, threads: threads),
      order: RandomKey(seed: 5).named("order"), folder: tiny.folder, digest: "a",
      exports: [
        WeightExport(tiny.projector.parameters, prefix: "mm_projector."),
        WeightExport(file: Self.file, model.parameters, dropping: "language_model."),
      ], stop: stop, progress: progress
    ).run()
  }
}
