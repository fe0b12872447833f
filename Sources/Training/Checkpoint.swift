import Foundation
import Layers
import Storage
import Tensors

/// Where a training is: enough, with weights and moments, to go on with the same bits.
public struct TrainingState: Codable, Sendable, Equatable {
  /// Digest of everything that decides the result; a checkpoint of another is refused.
  public var digest: String
  public var stage = 0
  public var epoch = 0
  /// Updates done in this epoch.
  public var batch = 0
  /// Updates done in this stage.
  public var update = 0
  /// Updates done in all stages.
  public var totalUpdates = 0
  /// Epochs of this stage since the validation loss was last lower than ever.
  public var epochsWithoutGain = 0
  public var bestValidationLoss: Double?
  public var bestEpoch: Int?
  public var lastValidationLoss: Double?
  /// Over all sittings.
  public var seconds = 0.0
  public var logRecords = 0
  public var isFinished = false
  /// What the bits come from: OpenBLAS's kernel and the instruction set of our own.
  public var kernels = "\(ProductInformation.float32), \(KernelInformation.instructionSet)"
}

/// Why a checkpoint cannot be used.
public struct CheckpointError: Error, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }

  public init(_ description: String) { self.description = description }
}

/// A file of the best weights, under the names that a PyTorch user can load.
public struct WeightExport: Sendable {
  /// In `checkpoint/`.
  public var file: String
  public var parameters: [Parameter]
  /// Taken off the front of each weight's name.
  public var droppedPrefix: String
  /// Then put before it.
  public var prefix: String

  public init(
    file: String = WeightExport.best, _ parameters: [Parameter],
    dropping droppedPrefix: String = "",
    prefix: String = ""
  ) {
    precondition(parameters.allSatisfy { $0.name.hasPrefix(droppedPrefix) })
    self.file = file
    self.parameters = parameters
    self.droppedPrefix = droppedPrefix
    self.prefix = prefix
  }

  /// The usual file.
  public static let best = "best.safetensors"

  public func name(of parameter: Parameter) -> String {
    prefix + parameter.name.dropFirst(droppedPrefix.count)
  }

  /// Reads the file that holds these weights into them.
  ///
  /// - Throws: ``CheckpointError`` for a file that is missing or damaged, or a weight that is missing or has
  ///   another shape.
  public func load(_ url: URL) throws {
    let source = try CheckpointFolder.open(url)
    for parameter in parameters {
      try CheckpointFolder.read(parameter, as: name(of: parameter), source)
    }
  }
}

/// `checkpoint/`: `last.safetensors` (weights, moments, state in one atomic file) and the exported best
/// weights.
struct CheckpointFolder {
  let url: URL

  private var last: URL { url.appending(path: "last.safetensors") }
  private static let stateKey = "dragoman.state"

  func save(_ state: TrainingState, parameters: [Parameter], moments: [Parameter]) throws {
    try AtomicFile.ensureFolder(url)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    var tensors = parameters.map { Self.tensor("weight." + $0.name, $0) }
    tensors += moments.map { Self.tensor("moment." + $0.name, $0) }
    try Safetensors.write(tensors, metadata: [Self.stateKey: text], to: last)
  }

  /// Should a program end between two of the files, the epoch's end is done again: `last` is written
  /// after them.
  func saveBest(_ exports: [WeightExport]) throws {
    try AtomicFile.ensureFolder(url)
    for export in exports {
      let file = url.appending(path: export.file)
      try AtomicFile.ensureFolder(file.deletingLastPathComponent())
      try Safetensors.write(
        export.parameters.map { Self.tensor(export.name(of: $0), $0) },
        metadata: ["format": "pt"], to: file)
    }
  }

  private static func tensor(_ name: String, _ parameter: Parameter) -> SafetensorsTensor {
    SafetensorsTensor(
      name: name, shape: parameter.shape,
      values: .made(count: parameter.count) { parameter.values })
  }

  /// Reads the state alone, whatever it belongs to; nil when there is no checkpoint.
  /// - Throws: ``CheckpointError`` when it is damaged.
  func anyState() throws -> TrainingState? {
    guard FileManager.default.fileExists(atPath: last.path) else { return nil }
    let file = try Self.open(last)
    guard let text = file.metadata[Self.stateKey],
      let state = try? JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    else {
      throw CheckpointError(
        "\(last.path) is not a checkpoint of this version of Dragoman: it has no training state "
          + "that can be read. Start again with --fresh.")
    }
    return state
  }

  /// Reads the state alone; nil when there is no checkpoint.
  /// - Throws: ``CheckpointError`` when it is damaged or belongs to another configuration.
  func state(digest: String) throws -> TrainingState? {
    guard let state = try anyState() else { return nil }
    guard state.digest == digest else {
      throw CheckpointError(
        "\(last.path) was made with another configuration or other inputs. Go on with the file "
          + "that made it, choose another --results folder, or start again with --fresh.")
    }
    return state
  }

  /// Reads the state and the weights; nil when there is no checkpoint.
  /// - Throws: ``CheckpointError`` when it belongs to another configuration or lacks a weight.
  func load(digest: String, into parameters: [Parameter]) throws -> TrainingState? {
    guard let state = try state(digest: digest) else { return nil }
    let file = try Self.open(last)
    for parameter in parameters { try Self.read(parameter, as: "weight." + parameter.name, file) }
    return state
  }

  /// - Throws: ``CheckpointError`` when a file of the best weights is missing or truncated.
  func checkBest(_ files: [String]) throws {
    for file in files { _ = try Self.open(url.appending(path: file)) }
  }

  fileprivate static func open(_ url: URL) throws -> SafetensorsFile {
    do {
      return try SafetensorsFile(url)
    } catch {
      throw CheckpointError(
        "The checkpoint \(url.path) cannot be used: it is missing or damaged. "
          + "Start again with --fresh. (\(error))")
    }
  }

  /// Reads the optimiser's moments of the checkpoint that ``load(digest:into:)`` found.
  func loadMoments(_ moments: [Parameter]) throws {
    let file = try Self.open(last)
    for moment in moments { try Self.read(moment, as: "moment." + moment.name, file) }
  }

  /// Reads what ``saveBest(_:)`` wrote.
  func loadBest(_ exports: [WeightExport]) throws {
    for export in exports { try export.load(url.appending(path: export.file)) }
  }

  fileprivate static func read(
    _ parameter: Parameter, as name: String, _ file: SafetensorsFile
  ) throws {
    guard let info = file.info(name), info.shape == parameter.shape else {
      throw CheckpointError(
        "\(file.url.path) has no weight \(name) of shape \(parameter.shape). "
          + "Start again with --fresh.")
    }
    try parameter.store.withValues(of: parameter) { try file.read(name, into: $0) }
  }
}
