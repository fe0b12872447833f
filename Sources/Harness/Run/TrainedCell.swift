import Configuration
import Foundation
import Projectors
import Storage
import Training

/// A cell whose weights lie in a results folder: what heatmaps and questions after a run are asked of.
///
/// Its settings are those of its own `config.yaml`, so a sweep's cells and searched settings are known.
public struct TrainedCell: Sendable {
  public let arm: Arm
  public let seed: Int
  public let fold: Int?
  public let folder: CellFolder
  let training: TrainingConfig

  /// - Throws: ``HeatmapError`` if the folder's settings are missing or can't be understood.
  init(arm name: String, _ folder: CellFolder, experiment: ExperimentConfig) throws {
    guard let text = try? String(contentsOf: folder.config, encoding: .utf8) else {
      throw HeatmapError("\(folder.config.path) is missing: this is no cell of a results folder")
    }
    let root = try YAMLReader.node(from: text, file: folder.config.path)
    func decoded<Section: ConfigSection>(
      _ node: ConfigNode?, _ type: Section.Type
    ) throws -> Section {
      guard let node else {
        throw HeatmapError("\(folder.config.path) was written by another version of dragoman")
      }
      return try Section.decode(node, folder: folder.url.path, environment: [:])
    }
    var arm = Arm(
      name: name, config: try decoded(root["arm"], ArmConfig.self),
      isControl: experiment.projectors[name] == nil)
    let cell = folder.url.lastPathComponent
    func number(_ key: String) -> Int? {
      if case .scalar(let text, _)? = root[key]?.content { Int(text) } else { nil }
    }
    seed = number("seed") ?? 0
    fold = number("fold")
    let plain = Cell.name(seed: seed, fold: fold, label: "")
    arm.label = cell.hasPrefix(plain + "-") ? String(cell.dropFirst(plain.count + 1)) : ""
    self.arm = arm
    self.folder = folder
    var training = experiment.training
    if case .sequence(let stages)? = root["stages"]?.content {
      training.stages = try stages.map { try decoded($0, StageConfig.self) }
    }
    if let contrast = root["contrast"] {
      training.contrast = try decoded(contrast, ContrastConfig.self)
    }
    self.training = training
  }

  /// The model with its best weights.
  ///
  /// - Throws: `CheckpointError` for a file that is missing, damaged or of other shapes.
  func model(_ inputs: ExperimentInputs) throws -> ArmModel {
    let model = try ArmModel(arm, seed: seed, inputs: inputs, training: training)
    try model.load(from: folder)
    return model
  }

  /// The answers it gave in its run; none if there are none yet.
  var answers: [AnswerRecord] {
    (try? JSONLines.read(AnswerRecord.self, from: folder.answers)) ?? []
  }
}

/// The results that a path names: all cells of an experiment, or one of them.
struct ResultsTarget: Sendable, Equatable {
  let results: ResultsFolder
  /// Of a cell's folder.
  var arm: String?
  var cell: String?

  init(_ url: URL) throws(HeatmapError) {
    let url = url.standardizedFileURL
    if Self.isThere(ResultsFolder(url).experiment) {
      results = ResultsFolder(url)
      return
    }
    let above = url.deletingLastPathComponent()
    let folder = ResultsFolder(above.deletingLastPathComponent())
    if Self.isThere(folder.experiment), url.lastPathComponent.hasPrefix("seed-") {
      results = folder
      arm = above.lastPathComponent
      cell = url.lastPathComponent
      return
    }
    throw HeatmapError(
      "\(url.path(percentEncoded: false)) is neither a results folder (with experiment.yaml) nor "
        + "the folder of a run in one (ARM/seed-N)")
  }

  /// The cells whose weights are there: the one that was named, or those of the first seed and fold, in the
  /// experiment's order.
  func cells(of config: ExperimentConfig) throws -> [TrainedCell] {
    let arms = Arm.arms(of: config)
    if let arm, let cell {
      guard arms.contains(where: { $0.name == arm }) else {
        throw HeatmapError(
          "\(arm) is no arm of this experiment; it has \(arms.map(\.name).joined(separator: ", "))")
      }
      let folder = results.cell(arm: arm, cell)
      guard Self.isThere(folder.weights) else { throw noWeights([arm], cell) }
      return [try TrainedCell(arm: arm, folder, experiment: config)]
    }
    let seed = config.training.seeds.first ?? 0
    let cells = try arms.filter { !$0.isControl }.flatMap { arm in
      try folders(of: arm.name).map {
        try TrainedCell(arm: arm.name, $0, experiment: config)
      }.filter { $0.seed == seed && ($0.fold ?? 0) == 0 }
    }
    guard !cells.isEmpty else {
      throw noWeights(arms.filter { !$0.isControl }.map(\.name), "seed-\(seed)")
    }
    return cells
  }

  private func folders(of arm: String) throws -> [CellFolder] {
    let folder = results.url.appending(path: arm)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix("seed-") }.sorted()
      .map { results.cell(arm: arm, $0) }.filter { Self.isThere($0.weights) }
  }

  private func noWeights(_ arms: [String], _ cell: String) -> HeatmapError {
    HeatmapError(
      "no weights of \(arms.joined(separator: ", ")) in \(results.url.path(percentEncoded: false)): "
        + "ARM/\(cell)/checkpoint/best.safetensors. `dragoman run` trains them.")
  }

  static func == (a: Self, b: Self) -> Bool {
    a.results.url == b.results.url && a.arm == b.arm && a.cell == b.cell
  }

  private static func isThere(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.path(percentEncoded: false))
  }
}
