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
  /// - Returns: one an image and cell.
  /// - Throws: errors of images, models and files.
  public func run(say: (String) -> Void = { _ in }) throws -> [GivenAnswer] {
    let cells = try target.cells(of: config)
    let executor = LaneExecutor(threads: options.threads)
    let loader = InputLoader(
      config: config, cache: options.cache, executor: executor, console: Console(quiet: true),
      stop: StopSignal(), maximumUpdates: nil)
    // Of the run's own images no feature is needed.
    let inputs = try loader.models(of: try loader.shapes())
    guard let encoder = inputs.encoder else {
      throw UnsupportedSetting(
        "the features of \(config.experiment) were made by another tool, so no new image can be "
          + "encoded")
    }
    var answers: [GivenAnswer] = []
    for cell in cells {
      let model = try cell.model(inputs)
      for image in options.images {
        let medium = Medium(id: Identifier(image.path), source: .file(image))
        let tape = Tape(recordsGradients: false)
        let context = Context(tape: tape)
        let source = EncodedPatches(
          encoder: encoder.model, side: encoder, media: [medium])
        let patches = try source.patches(of: [0], in: context)
        let visual = model.projector(patches, in: context)
        let sample = try inputs.template.request(question: options.question, media: [0])
        let prefixes = model.languageModel.prefixes(visual: visual, of: [sample], in: context)
        if options.isVerbose {
          let grid = patches.grids[0]
          let tokens = visual.tensor.rows
          say("\(image.lastPathComponent), \(cell.arm.row)")
          say(
            "  pixels    [3, \(encoder.processor.outputHeight), \(encoder.processor.outputWidth)]")
          say(
            "  features  \(patches.tensor.shape): \(grid.rows) × \(grid.columns) patches"
              + (grid.leading > 0 ? " and \(grid.leading) leading tokens" : ""))
          say("  projected \(visual.tensor.shape)")
          say("  text      [\(prefixes.tensor.rows - tokens), \(prefixes.width)]")
          say("  joined    \(prefixes.tensor.shape)")
        }
        let ids = Generator(model.languageModel).generate(
          prefixes: prefixes, maxNewTokens: config.evaluation.decode.maxNewTokens,
          endTokens: inputs.template.endTokens,
          strategy: config.evaluation.decode.generation(numbers: [0]), in: context)[0]
        let text = inputs.text.tokenizer.decode(ids, skipSpecialTokens: true)
        answers.append(
          GivenAnswer(
            image: image.relativePath, arm: cell.arm.row, question: options.question,
            answer: text.split(whereSeparator: \.isWhitespace).joined(separator: " ")))
      }
    }
    return answers
  }
}

/// Fills the feature store with what an experiment needs: `dragoman encode`.
public func encodeFeatures(
  of experiment: Experiment, cache: URL, threads: Int, isQuiet: Bool, stop: StopSignal
) throws {
  for group in PointGroup.groups(of: experiment) {
    let loader = InputLoader(
      config: group.config, cache: cache, executor: LaneExecutor(threads: threads),
      console: Console(quiet: isQuiet), stop: stop, maximumUpdates: nil)
    _ = try loader.values(of: try loader.shapes())
  }
}
