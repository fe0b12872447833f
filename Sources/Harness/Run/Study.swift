import Configuration
import Foundation
import Layers
import Reports
import Storage
import Synchronization
import Tensors
import Training

/// What `dragoman run` was asked for beside the experiment.
public struct RunOptions: Sendable {
  public var results: URL
  public var cache: URL
  public var threads: Int
  /// Ends each stage after so many updates.
  public var maximumUpdates: Int?
  /// Arms to run; the others keep what they have. All when empty.
  public var only: [String]
  /// Cells at once; nil: as many as threads and memory allow.
  public var jobs: Int?
  /// Throws away what the file's cells made before.
  public var isFresh: Bool
  public var isQuiet: Bool

  public init(
    results: URL, cache: URL, threads: Int, maximumUpdates: Int? = nil, only: [String] = [],
    jobs: Int? = nil, isFresh: Bool = false, isQuiet: Bool = false
  ) {
    self.results = results
    self.cache = cache
    self.threads = threads
    self.maximumUpdates = maximumUpdates
    self.only = only
    self.jobs = jobs
    self.isFresh = isFresh
    self.isQuiet = isQuiet
  }
}

/// The cells of an experiment file: runs what is missing, goes on where one fails, makes one table.
public struct Study {
  let experiment: Experiment
  let options: RunOptions
  let stop: StopSignal
  let console: Console
  let folder: ResultsFolder
  let executor: LaneExecutor

  public init(_ experiment: Experiment, options: RunOptions, stop: StopSignal) {
    self.experiment = experiment
    self.options = options
    self.stop = stop
    console = Console(quiet: options.isQuiet)
    folder = ResultsFolder(options.results.appending(path: experiment.name))
    executor = LaneExecutor(threads: options.threads)
  }

  /// Trains what is not trained yet, scores it and writes tables, figures and report.
  ///
  /// - Returns: what the results folder's `summary.json` says; cells that failed are among its `missing`.
  /// - Throws: ``RunStopped`` at a signal; errors of files, data and models, before any work where they
  ///   can be seen then.
  @discardableResult
  public func run() throws -> RunSummary {
    do {
      return try runToEnd()
    } catch var stopped as RunStopped {
      stopped.isFresh = options.isFresh
      throw stopped
    }
  }

  private func runToEnd() throws -> RunSummary {
    defer { console.endBar() }
    try checkOnly()
    // Before the work, not after it; a folder in which nothing was made goes again.
    try folder.prepare()
    defer { folder.removeIfOnlyBegun() }
    let lock = try folder.lock()
    defer { lock.release() }
    let scoring = try Scoring(
      experiment, cache: options.cache, threads: options.threads, console: console)
    let groups = try PointGroup.groups(of: experiment).map { group in
      try LazyInputs(
        group,
        loader: InputLoader(
          config: group.config, cache: options.cache, executor: executor, console: console,
          stop: stop, maximumUpdates: options.maximumUpdates))
    }
    // Everything as shapes first: what can't be built is refused before any work.
    for group in groups { try check(group) }
    try removePartials(groups)
    var known: [CellFolder: KnownCell] = [:]
    if options.isFresh {
      try removeOwnCells(groups)
    } else {
      for group in groups { try known.merge(checkCheckpoints(group)) { $1 } }
    }
    try keepExperiment()
    var results = StudyResults()
    for group in groups { try run(group, known, into: &results) }
    let record = ReportRecord(self, results, groups)
    if !options.isFresh, let summary = record.unchangedSummary(in: folder) {
      console.log("Nothing has changed since the results in \(folder.url.path) were written")
      return summary
    }
    for group in groups { try draw(group, into: &results) }
    console.log("Scoring")
    let summary = try report(results, groups, scoring)
    try record.keep(in: folder)
    return summary
  }

  private func keepExperiment() throws {
    let text = experiment.resolvedYAML
    guard (try? String(contentsOf: folder.experiment, encoding: .utf8)) != text else { return }
    try AtomicFile.write(text, to: folder.experiment)
  }

  /// Runs the cells of one set of inputs.
  ///
  /// - Parameter known: cells that were looked at before.
  private func run(
    _ group: LazyInputs, _ known: [CellFolder: KnownCell], into results: inout StudyResults
  ) throws {
    let cells = try self.cells(of: group, into: &results)
    let runner = CellRunner(study: self, inputs: group, known: known)
    let jobs = options.jobs ?? runner.affordableJobs(cells.count)
    let shared = Mutex(results)
    let threads = max(1, options.threads / jobs)
    _ = try LaneExecutor(threads: jobs).map(count: cells.count) { index in
      let ending = try runner.run(cells[index], threads: threads)
      shared.withLock { $0.add(ending, at: index, of: cells[index]) }
    }
    results = shared.withLock { $0 }
    results.endGroup()
  }

  // MARK: - Cells

  /// The arms of a group, each set of swept values that concerns it once; those of one name together.
  func arms(of group: PointGroup) -> [(arm: Arm, config: ExperimentConfig)] {
    var seen: Set<String> = []
    let arms = group.points.flatMap { point -> [(arm: Arm, config: ExperimentConfig)] in
      Arm.arms(of: point.config).compactMap { arm in
        var arm = arm
        arm.label = point.swept.filter { $0.concerns(arm) }.map(\.label).joined(separator: ",")
        return seen.insert(arm.row).inserted ? (arm, point.config) : nil
      }
    }
    var names: [String] = []
    for (arm, _) in arms where !names.contains(arm.name) { names.append(arm.name) }
    return names.flatMap { name in arms.filter { $0.arm.name == name } }
  }

  /// The cells to run, rates chosen by the search where there is one: by seed, fold, arm.
  private func cells(of group: LazyInputs, into results: inout StudyResults) throws -> [Cell] {
    var chosen: [(arm: Arm, config: ExperimentConfig, source: String)] = []
    for (arm, config) in arms(of: group.group) {
      guard isWanted(arm) || config.search != nil else {
        chosen.append((arm, config, "given"))
        continue
      }
      guard let search = config.search else {
        chosen.append((arm, config, "given"))
        continue
      }
      let outcome = try SettingSearch(study: self, search: search, inputs: group)
        .choose(arm, config, mayRun: isWanted(arm))
      switch outcome {
      case .chosen(let settings, let source): chosen.append((arm.with(settings), config, source))
      case .notRun: results.leaveOut("\(arm.row): search not run")
      case .failed(let reason): results.leaveOut("\(arm.row): \(reason)", hasFailed: true)
      }
    }
    return cells(of: chosen, in: group)
  }

  /// By seed, fold, arm.
  private func cells(
    of arms: [(arm: Arm, config: ExperimentConfig, source: String)], in group: LazyInputs
  ) -> [Cell] {
    let folds = group.shapes.data.folds.count
    let numbers: [Int?] = folds > 1 ? Array(0..<folds) : [nil]
    return group.group.config.training.seeds.flatMap { seed in
      numbers.flatMap { fold in
        arms.map { arm, config, source in
          Cell(
            arm: arm, seed: seed, fold: fold, config: config,
            folder: folder.cell(
              arm: arm.name, Cell.name(seed: seed, fold: fold, label: arm.label)),
            rateSource: source)
        }
      }
    }
  }

  func isWanted(_ arm: Arm) -> Bool { options.only.isEmpty || options.only.contains(arm.name) }

  private func checkOnly() throws {
    let names = Set(
      experiment.points.flatMap { Arm.arms(of: $0.config).map(\.name) })
    for name in options.only where !names.contains(name) {
      throw UnsupportedSetting(
        "--only \(name): the experiment has no such arm; it has "
          + names.sorted().joined(separator: ", "))
    }
  }

  /// Builds every cell as shapes and looks at the data, so that nothing fails after hours.
  private func check(_ group: LazyInputs) throws {
    let inputs = group.shapes
    for (arm, config) in arms(of: group.group) {
      let variants = try config.search?.grid(of: arm).map(\.arm) ?? [arm]
      for variant in variants {
        let model = try ArmModel(variant, seed: 0, inputs: inputs, training: config.training)
        try Preflight(inputs: inputs, config: config, console: console).check(variant, model)
      }
    }
    try checkHeatmapLayer(of: group.group.config, inputs: inputs)
    try Preflight(inputs: inputs, config: group.group.config, console: console).sayCuts()
  }

  /// A damaged checkpoint that a cell would go on from is refused before any work. Cells whose settings a
  /// search chooses are looked at when it is their turn.
  ///
  /// - Returns: what was seen of the cells.
  /// - Throws: `CheckpointError`.
  private func checkCheckpoints(_ group: LazyInputs) throws -> [CellFolder: KnownCell] {
    let given = arms(of: group.group).filter { $0.config.search == nil && isWanted($0.arm) }
    var seen: [CellFolder: KnownCell] = [:]
    for cell in cells(of: given.map { ($0.arm, $0.config, "given") }, in: group) {
      let known = try KnownCell(cell, group.shapes, limit: options.maximumUpdates)
      seen[cell.folder] = known
      guard known.finished == nil else { continue }
      _ = try StageTrainer.found(
        in: cell.folder.url, digest: known.weights,
        exports: ArmModel.exportFiles(of: cell.config.training))
    }
    return seen
  }

  /// Every folder that this file's cells write.
  private func ownFolders(_ group: LazyInputs) throws -> [CellFolder] {
    let wanted = arms(of: group.group).filter { isWanted($0.arm) }
    let trials = try wanted.flatMap { arm, config in
      try (config.search?.grid(of: arm) ?? []).map {
        folder.cell(arm: arm.name, $0.folderName)
      }
    }
    return trials + cells(of: wanted.map { ($0.arm, $0.config, "given") }, in: group).map(\.folder)
  }

  /// What a killed program left half-written; no other writes here, since the folder is locked.
  private func removePartials(_ groups: [LazyInputs]) throws {
    for url in [folder.url, folder.figures] { AtomicFile.removePartials(in: url) }
    for group in groups {
      for own in try ownFolders(group) { AtomicFile.removePartials(in: own.url) }
    }
  }

  /// What this file's cells made, and nothing of other sweeps or of the user's.
  private func removeOwnCells(_ groups: [LazyInputs]) throws {
    for group in groups {
      for own in try ownFolders(group) { try own.clear() }
    }
  }
}

/// What the cells of a study came to so far.
struct StudyResults {
  /// In the order of the cells.
  private(set) var finished: [FinishedCell] = []
  /// Texts for the table: which cell, and why.
  private(set) var missing: [String] = []
  private(set) var failures = 0
  /// Figures that were drawn.
  var pictures: [ReportPage.Picture] = []
  private var group: [(index: Int, cell: Cell, ending: CellEnding)] = []

  /// Cells may end in any order.
  mutating func add(_ ending: CellEnding, at index: Int, of cell: Cell) {
    group.append((index, cell, ending))
  }

  mutating func leaveOut(_ text: String, hasFailed: Bool = false) {
    missing.append(text)
    if hasFailed { failures += 1 }
  }

  /// Puts what was added into the order of the cells.
  mutating func endGroup() {
    for (_, cell, ending) in group.sorted(by: { $0.index < $1.index }) {
      switch ending {
      case .finished(let cell): finished.append(cell)
      case .failed(let message): leaveOut("\(cell.shortTitle): \(message)", hasFailed: true)
      case .notRun: leaveOut("\(cell.shortTitle): not run")
      }
    }
    group = []
  }
}

/// How a cell ended.
enum CellEnding: Sendable {
  case finished(FinishedCell)
  case failed(String)
  /// Left out by `--only`, and not there from before.
  case notRun
}

/// Points of a sweep that read the same data and models.
struct PointGroup: Sendable {
  var points: [ExperimentPoint]
  var config: ExperimentConfig { points[0].config }

  static func groups(of experiment: Experiment) -> [PointGroup] {
    var groups: [(key: String, group: PointGroup)] = []
    for point in experiment.points {
      let key = point.config.inputsKey
      if let place = groups.firstIndex(where: { $0.key == key }) {
        groups[place].group.points.append(point)
      } else {
        groups.append((key, PointGroup(points: [point])))
      }
    }
    return groups.map(\.group)
  }
}

/// Inputs as shapes, and as values once they are needed: a table of finished cells needs no weights.
final class LazyInputs: Sendable {
  let group: PointGroup
  let shapes: ExperimentInputs
  private let loader: InputLoader
  private let loaded = Mutex<ExperimentInputs?>(nil)

  init(_ group: PointGroup, loader: InputLoader) throws {
    self.group = group
    self.loader = loader
    shapes = try loader.shapes()
  }

  /// - Throws: ``RunStopped``; errors of files and models.
  func values() throws -> ExperimentInputs {
    try loaded.withLock { loaded in
      if let loaded { return loaded }
      let values = try loader.values(of: shapes)
      loaded = values
      return values
    }
  }
}
