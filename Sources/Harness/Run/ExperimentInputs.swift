import Configuration
import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Synchronization
import Tensors
import Tokenizers
import Training

/// What all cells of an experiment share: data, text side, encoder or features, language model.
///
/// One description for plan and run. As *shapes* it knows everything but the weights' and features' values,
/// and is made without loading either; as *values* it can be trained with. Read once, never changed.
public struct ExperimentInputs: Sendable {
  public enum Contents: Sendable {
    case shapes
    case values
  }

  public internal(set) var contents: Contents
  public let config: ExperimentConfig
  public let data: ExperimentData
  public let text: TextSide
  /// As it was read or made: arms that train it do so with a copy.
  public internal(set) var model: any LanguageModel
  /// nil for features that another tool made.
  public internal(set) var encoder: EncoderSide?
  /// Stored features; as shapes their grids alone.
  public internal(set) var source: any PatchSource
  let recipe: InputRecipe
  /// Which examples stand in which sequence, made once for all arms, seeds and stages.
  let sequences: SequenceTable

  var template: SequenceTemplate { text.template }

  /// How the parts of an example's sequence follow each other: `[begin][visual tokens][caption][end]`.
  var sequenceDescription: String {
    let first = data.folds[0].test.first { $0.serves(config.answeredData) }
    return (try? first.map(template.description(of:))) ?? ""
  }

  /// Whether all media have one grid, as a shard of the feature store has.
  var hasOneGrid: Bool {
    data.media.indices.dropFirst().allSatisfy { source.grid(of: $0) == source.grid(of: 0) }
  }

  /// Of the first medium: what weights that depend on a grid are made for.
  var grid: PatchGrid { data.media.isEmpty ? .sequence(0) : source.grid(of: 0) }

  /// What a projector stands between.
  var projectorSite: ProjectorSite {
    ProjectorSite(
      patchWidth: source.width, grid: grid, languageWidth: model.width,
      textScale: contents == .values ? model.textScale : 1)
  }

  /// The picture that the encoder saw, resized and cropped, or a sound's spectrogram, so that the grid lies
  /// exactly on it; nil
  /// when the features were made elsewhere.
  ///
  /// - Throws: `ImageError` or `AudioError`, whose message names the file.
  public func photo(of place: Int) throws -> RGBImage? {
    try encoder.map { try $0.processor.picture(of: data.media[place]) }
  }

  /// The source of an encoder that is computed live.
  ///
  /// - Parameter prefix: of the names of a copy's weights; nil for the encoder itself (as shapes).
  func liveSource(prefix: String?) throws -> any PatchSource {
    guard let encoder else {
      throw UnsupportedSetting(
        "an encoder that is computed live is needed, but encoder.kind is precomputed: its features were "
          + "made elsewhere")
    }
    return EncodedPatches(
      encoder: try prefix.map { try encoder.model.copied(prefix: $0) } ?? encoder.model,
      side: encoder, media: data.media, grid: source.grid(of:))
  }

  /// Digest of everything here that decides the weights of a cell; worked out once a fold.
  func trainingDigest(fold: Int?) throws -> String {
    try data.remembered("training \(recipe.digest)", fold: fold) {
      try makeTrainingDigest(fold: fold)
    }
  }

  private func makeTrainingDigest(fold: Int?) throws -> String {
    let set = data.set(fold)
    var hasher = DigestHasher()
    hasher.update(field: "recipe", recipe.digest)
    for kind in StageData.allCases {
      let first = set.train.first { $0.serves(kind) }
      hasher.update(field: "sequence", try first.map(template.description(of:)) ?? "")
    }
    hasher.update(field: "train", try digest(of: set.train))
    hasher.update(field: "validation", try digest(of: set.validation))
    for (stage, own) in data.own.sorted(by: { $0.key < $1.key }) {
      hasher.update(field: "stage \(stage) train", try digest(of: own.train))
      hasher.update(field: "stage \(stage) validation", try digest(of: own.validation))
    }
    return hasher.finalize()
  }

  /// Digest of the test examples; worked out once a fold.
  func testDigest(fold: Int?) throws -> String {
    try data.remembered("test", fold: fold) { try digest(of: data.set(fold).test) }
  }

  private func digest(of examples: [Example]) throws -> String {
    let media = try data.mediaDigests()
    var hasher = DigestHasher()
    for example in examples {
      hasher.update(field: "example", example.id.text)
      for medium in example.media {
        hasher.update(field: "medium", data.place(of: medium.id).map { media[$0] } ?? "")
      }
      for exchange in example.exchanges {
        hasher.update(field: "question", exchange.question ?? "")
        hasher.update(field: "kind", exchange.kind ?? "")
        for answer in exchange.answers { hasher.update(field: "answer", answer) }
      }
    }
    return hasher.finalize()
  }

  /// What every table must say of these inputs.
  var remarks: [String] {
    let precision = config.precisionRemark.map { [$0] } ?? []
    var parts: [String] = []
    if config.encoder.pretrained?.weights == .random { parts.append("encoder") }
    if config.languageModel.pretrained?.weights == .random { parts.append("language model") }
    guard !parts.isEmpty else { return precision }
    return precision + [
      "Random weights: the \(parts.joined(separator: " and the ")) started from random numbers "
        + "instead of pretrained weights. Times and memory are real; captions and scores are not "
        + "those of the model that is named."
    ]
  }
}

/// The examples of an experiment: the data set, cut into folds where there are any, and the sets that
/// stages bring of their own.
public struct ExperimentData: Sendable {
  /// One a fold; one without folds.
  let folds: [ExampleSet]
  /// By the number of the stage.
  let own: [Int: ExampleSet]
  /// The sets that differ: one of all folds, which have the same examples, and the stages'.
  private let sets: [ExampleSet]
  /// Every medium of all sets once.
  public let media: [Medium]
  /// Of each in ``media`` and in the patch source.
  public let places: [Identifier: Int]
  private let digests = MediaDigests()
  private let foldDigests = FoldDigests()
  private let executor: LaneExecutor

  /// - Throws: `DatasetError`.
  init(_ config: ExperimentConfig, executor: LaneExecutor) throws {
    let folds = try config.dataset.read()
    var own: [Int: ExampleSet] = [:]
    for (index, stage) in config.training.stages.enumerated() {
      guard let dataset = stage.dataset else { continue }
      let earlier = config.training.stages[..<index].firstIndex { $0.dataset == dataset }
      if let set = earlier.flatMap({ own[$0] }) {
        own[index] = set
        continue
      }
      // Names are unique in a data set, not between two.
      let set = try dataset.read()[0].prefixed("stage-\(index + 1)/")
      own[index] = set
    }
    self.init(folds: folds, own: own, executor: executor)
  }

  init(folds: [ExampleSet], own: [Int: ExampleSet] = [:], executor: LaneExecutor) {
    self.executor = executor
    self.folds = folds
    self.own = own
    var seen = Set(folds[0].media.map(\.id))
    // All folds have the same examples; stages may share a set of their own.
    sets =
      [folds[0]]
      + own.sorted { $0.key < $1.key }.map(\.value).filter { set in
        guard let first = set.media.first else { return false }
        return seen.insert(first.id).inserted
      }
    var media: [Medium] = []
    var places: [Identifier: Int] = [:]
    for medium in sets.flatMap(\.media) {
      places[medium.id] = media.count
      media.append(medium)
    }
    self.media = media
    self.places = places
  }

  func set(_ fold: Int?) -> ExampleSet { folds[fold ?? 0] }

  /// Where a medium is in ``media`` and in the patch source.
  public func place(of id: Identifier) -> Int? { places[id] }

  func places(of example: Example) -> [Int] { example.media.compactMap { places[$0.id] } }

  /// The sets that a stage trains and validates on.
  func set(of stage: Int, fold: Int?) -> ExampleSet { own[stage] ?? set(fold) }

  /// Every example once, whatever its part.
  var examples: [Example] { sets.flatMap(\.examples) }

  /// Of each medium's content; files are read once.
  func mediaDigests() throws -> [String] {
    let (media, executor) = (media, executor)
    return try digests.get {
      try executor.map(count: media.count) { try media[$0].digest() }
    }
  }

  /// A digest of something of a fold that `make` works out when it is first asked for.
  fileprivate func remembered(
    _ name: String, fold: Int?, _ make: () throws -> String
  ) throws -> String {
    try foldDigests.get("\(name) of \(fold ?? 0)", make)
  }

  /// For people and provenance.
  public var description: String {
    ([folds[0].description]
      + own.sorted { $0.key < $1.key }.map {
        "stage \($0.key + 1): \($0.value.description)"
      }).joined(separator: "; ")
  }

  /// What was left out of the data sets and why.
  var notes: [String] { sets.flatMap(\.notes) }
}

extension ExampleSet {
  /// The same set with other names for examples and media.
  fileprivate func prefixed(_ prefix: String) -> ExampleSet {
    func named(_ id: Identifier) -> Identifier { Identifier(prefix + id.text) }
    func renamed(_ examples: [Example]) -> [Example] {
      examples.map { example in
        Example(
          id: named(example.id),
          media: example.media.map { Medium(id: named($0.id), source: $0.source) },
          exchanges: example.exchanges)
      }
    }
    return ExampleSet(
      name: name, description: description, notes: notes, train: renamed(train),
      validation: renamed(validation), test: renamed(test))
  }
}

/// Digests that are worked out when they are first asked for.
private final class MediaDigests: Sendable {
  private let digests = Mutex<[String]?>(nil)

  func get(_ make: () throws -> [String]) throws -> [String] {
    if let known = digests.withLock({ $0 }) { return known }
    let made = try make()
    digests.withLock { $0 = made }
    return made
  }
}

/// Digests by name, worked out when they are first asked for.
private final class FoldDigests: Sendable {
  private let digests = Mutex<[String: String]>([:])

  func get(_ name: String, _ make: () throws -> String) throws -> String {
    if let known = digests.withLock({ $0[name] }) { return known }
    let made = try make()
    digests.withLock { $0[name] = made }
    return made
  }
}

/// Name, digest pairs of all that decides results beside the examples: for digests and provenance.
struct InputRecipe: Sendable {
  var parts: [(name: String, value: String)] = []

  var digest: String {
    var hasher = DigestHasher()
    for (name, value) in parts { hasher.update(field: name, value) }
    return hasher.finalize()
  }
}

/// An encoder with all that decides its patches.
public struct EncoderSide: Sendable {
  /// In a store of shapes or of values.
  let model: any VisionEncoder
  public let processor: any Preprocessor
  let layer: EncoderLayer
  let classToken: Bool
  let precision: FeaturePrecision
  /// For people: "Dinov2Model 12×384, patch 14".
  let name: String
  /// What its features are kept under; nil as shapes for one that the run still has to train.
  let description: FeatureDescription?
  /// Whether the run trains it first.
  let isMadeByTheRun: Bool

  var depth: Int { model.depth(layer) }

  /// Of the features of one image.
  var grid: PatchGrid { model.grid(processor, classToken: classToken) }
}

/// A run that stopped at a signal and can go on.
public struct RunStopped: Error, ExitCodeProviding, CustomStringConvertible {
  public let signal: Int
  /// The run began with `--fresh`, which would throw the checkpoint away.
  var isFresh = false
  public var programExit: ProgramExit { .resumable }
  public var description: String {
    "stopped; the same command\(isFresh ? " without --fresh" : "") goes on from the last checkpoint"
  }
}

/// A setting that the configuration allows and this version does not run.
public struct UnsupportedSetting: Error, ExitCodeProviding, CustomStringConvertible {
  public let description: String
  public var programExit: ProgramExit { .badData }

  init(_ description: String) { self.description = description }
}

extension ModelReference {
  /// What ``ModelFolder`` resolves: a path, or `hf:ORG/NAME[@REV]`.
  var location: String {
    switch self {
    case .folder(let path): path.path
    case .hub: written
    }
  }
}
