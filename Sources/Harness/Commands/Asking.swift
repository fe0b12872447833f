import Configuration
import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Training

/// What `dragoman caption` and `dragoman ask` were asked for.
public struct AskingOptions: Sendable {
  /// A results folder, or the folder of a cell in it.
  public var run: URL
  /// The experiment file, whose folder relative paths start from; the results folder when nil.
  public var experimentFile: String?
  /// Image files, of the data set or not.
  public var images: [URL]
  /// nil: a caption.
  public var question: String?
  public var cache: URL
  public var threads: Int
  /// Says the shapes at every step of the flow.
  public var isVerbose: Bool

  public init(
    run: URL, experimentFile: String? = nil, images: [URL], question: String? = nil, cache: URL,
    threads: Int, isVerbose: Bool = false
  ) {
    self.run = run
    self.experimentFile = experimentFile
    self.images = images
    self.question = question
    self.cache = cache
    self.threads = threads
    self.isVerbose = isVerbose
  }
}

/// What an arm says of an image.
public struct GivenAnswer: Encodable, Sendable {
  public let image: String
  public let arm: String
  public let question: String?
  public let answer: String
}

/// Answers about any photographs with the trained cells of a results folder.
public struct AskingSession {
  let options: AskingOptions
  let config: ExperimentConfig
  let target: ResultsTarget

  /// - Throws: ``HeatmapError`` if the folder holds no results, ``ConfigError`` for its experiment.
  public init(_ options: AskingOptions) throws {
    self.options = options
    target = try ResultsTarget(options.run)
    config = try Experiment.load(
      target.results.experiment.path(percentEncoded: false), relativeTo: options.experimentFile
    ).config
  }

  /// - Parameter say: is told the shapes of the flow, a line each, when they are wanted.
  /// - Returns: one an image and cell, the images of a cell after each other.
  /// - Throws: errors of images, models and files; ``UnsupportedSetting`` for what has no answer.
  public func run(say: (String) -> Void = { _ in }) throws -> [GivenAnswer] {
    let cells = try target.cells(of: config)
    let executor = LaneExecutor(threads: options.threads)
    let loader = InputLoader(
      config: config, cache: options.cache, executor: executor, console: Console(quiet: true),
      stop: StopSignal(), maximumUpdates: nil)
    // Of the run's own images no feature is needed.
    let shapes = try loader.shapes()
    // Before any model is read.
    let kind = shapes.encoder?.processor.kind ?? .image
    for image in options.images { try Medium(asked: image, kind: kind).check() }
    let inputs = try loader.models(of: shapes)
    let answerer = Answerer(
      inputs: inputs, decode: config.evaluation.decode, executor: executor, pool: BufferPool(),
      stop: StopSignal())
    let pieces = try inputs.template.request(question: options.question, media: [0]).prefix
    let prompts = options.images.enumerated().map { place, image in
      AnswerPrompt(
        id: Identifier(image.path), medium: nil, places: [place], question: options.question,
        kind: nil, references: [], pieces: pieces, number: place,
        example: Example(
          id: Identifier(image.path), media: [],
          exchanges: [Exchange(question: options.question, answers: [])]),
        turn: 0)
    }
    return try cells.flatMap { cell -> [GivenAnswer] in
      let model = try cell.model(inputs, looking: options.images)
      for prompt in prompts {
        let flow = FlowShapes(prompt, model, inputs)
        try flow.checkRoom(for: config.evaluation.decode.maxNewTokens, in: model)
        if options.isVerbose {
          say("\(options.images[prompt.places[0]].lastPathComponent), \(cell.arm.row)")
          for line in flow.lines { say("  " + line) }
        }
      }
      guard let answers = try answerer.answers(to: prompts, by: model, progress: { _ in }) else {
        return []
      }
      return zip(options.images, answers).map { image, answer in
        GivenAnswer(
          image: image.relativePath, arm: cell.arm.row, question: options.question, answer: answer)
      }
    }
  }
}

extension TrainedCell {
  /// The trained model, its patches those of other images than the data set's.
  fileprivate func model(_ inputs: ExperimentInputs, looking images: [URL]) throws -> ArmModel {
    guard let side = inputs.encoder else {
      throw UnsupportedSetting(
        "the features of \(inputs.config.experiment) were made by another tool, so no new image can be "
          + "encoded")
    }
    let model = try self.model(inputs)
    // A cell that trained the encoder sees with its own.
    let encoder = (model.source as? EncodedPatches)?.encoder ?? side.model
    let media = images.map { Medium(asked: $0, kind: side.processor.kind) }
    let grids = try encoder.grids(
      of: media, side.processor, classToken: side.classToken, executor: LaneExecutor(threads: 1))
    if let small = media.indices.first(where: { grids[$0].tokens == 0 }) {
      throw UnsupportedSetting(
        "\(images[small].path) is smaller than a patch of \(encoder.patchSize) pixels")
    }
    return model.with(
      EncodedPatches(encoder: encoder, side: side, media: media) { grids[$0] })
  }
}

extension Medium {
  /// A file of the user's.
  fileprivate init(asked file: URL, kind: MediumKind) {
    self.init(
      id: Identifier(file.path), source: kind == .sound ? .soundFile(file) : .file(file))
  }

  /// - Throws: `ImageError` or `AudioError` for a file that can't be decoded.
  fileprivate func check() throws {
    switch kind {
    case .image: _ = try image()
    case .sound: _ = try audio()
    }
  }
}

/// What becomes of one image on its way to the language model: rows and widths at every step.
struct FlowShapes {
  private let input: InputShape
  private let grid: PatchGrid
  private let patchWidth: Int
  private let visualTokens: Int
  private let textTokens: Int
  private let languageWidth: Int

  /// - Parameter prompt: with one medium.
  init(_ prompt: AnswerPrompt, _ model: ArmModel, _ inputs: ExperimentInputs) {
    input = inputs.encoder?.processor.shape ?? .square(0)
    grid = model.source.grid(of: prompt.places[0])
    patchWidth = model.source.width
    visualTokens = model.projector.visualTokens(of: grid)
    textTokens = prompt.pieces.reduce(0) { sum, piece in
      if case .text(let ids) = piece { sum + ids.count } else { sum }
    }
    languageWidth = model.languageModel.width
  }

  /// - Throws: ``UnsupportedSetting`` where the answer would pass the model's last position.
  func checkRoom(for newTokens: Int, in model: ArmModel) throws {
    let (rows, most) = (visualTokens + textTokens, model.languageModel.maximumPositions)
    guard rows + newTokens <= most else {
      throw UnsupportedSetting(
        "\(visualTokens) visual tokens, \(textTokens) tokens of text and an answer of up to "
          + "\(newTokens) are more than the model's \(most) positions; ask a shorter question")
    }
  }

  /// `features  [257, 384]: 16 × 16 patches and 1 leading token`, a step a line.
  var lines: [String] {
    let leading =
      grid.leading == 0
      ? "" : " and \(grid.leading) leading token\(grid.leading == 1 ? "" : "s")"
    return [
      "pixels     [\(input.channels), \(input.height), \(input.width)]",
      "features   [\(grid.tokens), \(patchWidth)]: \(grid.rows) × \(grid.columns) patches\(leading)",
      "projected  [\(visualTokens), \(languageWidth)]",
      "text       [\(textTokens), \(languageWidth)]",
      "joined     [\(visualTokens + textTokens), \(languageWidth)]",
    ]
  }
}

/// Fills the feature store with what an experiment needs: `dragoman encode`.
///
/// - Throws: ``UnsupportedSetting`` for features that another tool made; ``RunStopped`` at a signal; what
///   reading weights and images throws.
public func encodeFeatures(
  of experiment: Experiment, cache: URL, threads: Int, isQuiet: Bool, stop: StopSignal
) throws {
  for group in PointGroup.groups(of: experiment) {
    let loader = InputLoader(
      config: group.config, cache: cache, executor: LaneExecutor(threads: threads),
      console: Console(quiet: isQuiet), stop: stop, maximumUpdates: nil)
    try loader.encode(of: try loader.shapes())
  }
}
