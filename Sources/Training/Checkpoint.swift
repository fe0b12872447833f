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
  public var bestValidationLoss: Double?
  public var bestEpoch: Int?
  public var lastValidationLoss: Double?
  /// Over all sittings.
  public var seconds = 0.0
  public var logRecords = 0
  public var isFinished = false
  /// The BLAS kernel the bits come from.
  public var blasKernel = BLASInformation.kernel
}

/// Why a checkpoint cannot be used.
public struct CheckpointError: Error, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }

  init(_ description: String) { self.description = description }
}

/// `checkpoint/`: `last.safetensors` (weights, moments, state in one atomic file) and `best.safetensors`
/// (weights only, under the names a PyTorch user can load).
struct CheckpointFolder {
  let url: URL

  private var last: URL { url.appending(path: "last.safetensors") }
  var best: URL { url.appending(path: "best.safetensors") }
  private static let stateKey = "dragoman.state"

  func save(_ state: TrainingState, parameters: [Parameter], moments: [Parameter]) throws {
    try AtomicFile.ensureFolder(url)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    var tensors = parameters.map { ("weight." + $0.name, $0.shape, $0.values) }
    tensors += moments.map { ("moment." + $0.name, $0.shape, $0.values) }
    try Safetensors.write(tensors, metadata: [Self.stateKey: text], to: last)
  }

  func saveBest(_ parameters: [Parameter], prefix: String) throws {
    try AtomicFile.ensureFolder(url)
    try Safetensors.write(
      parameters.map { (prefix + $0.name, $0.shape, $0.values) }, metadata: ["format": "pt"],
      to: best)
  }

  /// Reads the state alone; nil when there is no checkpoint.
  /// - Throws: ``CheckpointError`` when it is damaged or belongs to another configuration.
  func state(digest: String) throws -> TrainingState? {
    guard FileManager.default.fileExists(atPath: last.path) else { return nil }
    let file = try open(last)
    guard let text = file.metadata[Self.stateKey],
      let state = try? JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    else {
      throw CheckpointError(
        "\(last.path) is not a checkpoint of this version of Dragoman: it has no training state "
          + "that can be read. Start again with --fresh.")
    }
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
    let file = try open(last)
    for parameter in parameters { try Self.read(parameter, as: "weight." + parameter.name, file) }
    return state
  }

  /// - Throws: ``CheckpointError`` when the best weights are missing or truncated.
  func checkBest() throws { _ = try open(best) }

  private func open(_ url: URL) throws -> SafetensorsFile {
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
    let file = try open(last)
    for moment in moments { try Self.read(moment, as: "moment." + moment.name, file) }
  }

  func loadBest(into parameters: [Parameter], prefix: String) throws {
    let file = try open(best)
    for parameter in parameters { try Self.read(parameter, as: prefix + parameter.name, file) }
  }

  private static func read(
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
