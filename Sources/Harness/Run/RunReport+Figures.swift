import Configuration
import Datasets
import Foundation
import Metrics
import Reports
import Storage
import Training

/// The figures that a run has where its data and settings ask for them.
extension RunReport {
  typealias Figures = [ReportFigure: ReportPage.Picture]

  func writeFigures() throws -> Figures {
    var figures: Figures = [:]
    func add(_ kind: ReportFigure, _ figure: (any Figure)?) throws {
      figures[kind] = try figure?.place(in: folder.url, as: kind)
    }
    try add(.stageCurves, stageCurves)
    let answers = try answerGrid()
    try add(answers?.items.first?.question == nil ? .predictions : .answers, answers)
    try add(.similarity, similarities)
    if experiment.config.figures.patchGrid { try add(.patchGrid, try patchGrid()) }
    if let (kind, curves) = scalingCurves { try add(kind, curves) }
    try add(.fineDetail, fineDetail)
    if experiment.config.figures.features > 0 {
      // Drawn with the heatmaps, where the weights are at hand.
      figures[.features] = ReportFigure.found(in: folder.url)[.features]
      figures[.tokensAmongWords] = ReportFigure.found(in: folder.url)[.tokensAmongWords]
    }
    return figures
  }

  // MARK: - Training

  /// Loss and share of right tokens of several stages; one stage has its curves by itself.
  private var stageCurves: StageCurves? {
    let stages = experiment.config.training.stages
    let logs = shown.compactMap { cell in
      (try? TrainingRecord.read(cell.cell.folder.log)).map { (cell.cell.arm.row, $0) }
    }
    guard stages.count > 1, !logs.isEmpty else { return nil }
    return StageCurves(
      title: "\(summary.experiment): loss and right tokens by stage",
      stages: stages.enumerated().map { index, stage in
        let runs = logs.map { arm, records in (arm, records.filter { $0.stage == index }) }
        return StageCurves.Stage(
          title: stage.title(index),
          loss: runs.map { arm, records in
            StageCurves.Run(
              arm: arm,
              training: smoothed(
                records.compactMap { record in
                  record.loss.map { PlotPoint(Double(record.update), $0) }
                }), validation: records.points(\.validationLoss))
          },
          accuracy: runs.map { arm, records in
            StageCurves.Run(
              arm: arm, training: [], validation: records.points(\.validationAccuracy))
          }.filter { !$0.validation.isEmpty })
      }, unit: "Update",
      note:
        "Seed \(experiment.config.training.seeds.first ?? 0); accuracy: supervised tokens of the "
        + "validation that are the likeliest ones.")
  }

  // MARK: - Answers

  /// Test examples with what was asked and said, where answers are right or wrong.
  private func answerGrid() throws -> AnswerGrid? {
    guard experiment.config.evaluation.metrics.contains(.accuracy) else { return nil }
    let arms = shown.filter { !$0.cell.arm.isControl }
    guard let first = arms.first else { return nil }
    let examples = Dictionary(
      inputs.data.set(first.cell.fold).test.map { ($0.id, $0) }
    ) { first, _ in first }
    var items: [AnswerGrid.Item] = []
    for index in first.answers.indices.prefix(experiment.config.figures.captions) {
      let record = first.answers[index]
      let photos = try (examples[record.image].map { inputs.data.places(of: $0) } ?? [])
        .compactMap { try inputs.photo(of: $0) }
      guard !photos.isEmpty else { continue }
      let answers = arms.compactMap { cell -> AnswerGrid.Answer? in
        guard cell.answers.indices.contains(index),
          let text = cell.answers[index].captions[AnswerRow.trained.rawValue]
        else { return nil }
        return AnswerGrid.Answer(
          arm: cell.cell.arm.row, text: text.isEmpty ? "(nothing)" : text,
          isRight: Accuracy.isRight(text, references: record.references))
      }
      items.append(
        AnswerGrid.Item(
          image: RGBImage.row(photos), name: record.image.text, question: record.question,
          truth: record.references, answers: answers))
    }
    guard !items.isEmpty else { return nil }
    return AnswerGrid(title: "\(summary.experiment): answers on test images", items: items)
  }

  // MARK: - Alignment

  private var similarities: SimilarityFigure? {
    let records = shown.filter { !$0.cell.arm.isControl }.compactMap { cell in
      SimilarityRecord.read(cell.cell.folder.similarities).map { (cell.cell.arm.row, $0) }
    }
    guard let captions = records.first?.1.captions, !captions.isEmpty else { return nil }
    let names = shown.first?.answers.prefix(captions.count).map(\.image.text) ?? []
    let matrices = records.flatMap { arm, record in
      [(AnswerRow.untrained, "before training"), (.trained, "after training")].compactMap {
        row, title in
        record.cosines[row.rawValue].map { rows in
          SimilarityFigure.Matrix(
            title: "\(arm), \(title)",
            values: ValueGrid(
              rows: rows.count, columns: captions.count, values: rows.flatMap { $0 }))
        }
      }
    }
    guard !matrices.isEmpty else { return nil }
    return SimilarityFigure(
      title: "\(summary.experiment): test images and their captions", matrices: matrices,
      images: names, texts: captions)
  }

  private func patchGrid() throws -> PatchGridFigure? {
    guard let example = inputs.data.set(nil).test.first,
      let place = inputs.data.places(of: example).first, let photo = try inputs.photo(of: place)
    else { return nil }
    let grid = inputs.source.grid(of: place)
    return PatchGridFigure(
      title: "\(example.id): \(grid.rows)×\(grid.columns) patches", photo: photo, rows: grid.rows,
      columns: grid.columns)
  }

  // MARK: - Cost and score

  /// Of a sweep over one numeric setting: score, time and visual tokens against it.
  private var scalingCurves: (ReportFigure, ScalingCurves)? {
    guard let metric = summary.primary ?? summary.metricNames.first else { return nil }
    let keys = Set(experiment.points.flatMap { $0.swept.map { $0.path.joined(separator: ".") } })
    guard keys.count == 1, let key = keys.first else { return nil }
    var arms: [(name: String, points: [(x: Double, arm: RunSummary.Arm)])] = []
    for cell in shown {
      let arm = cell.cell.arm
      guard let row = summary.arms.first(where: { $0.arm == arm.row }),
        let value = arm.label.split(separator: "=").last, let x = Double(value)
      else { continue }
      if let place = arms.firstIndex(where: { $0.name == arm.name }) {
        arms[place].points.append((x, row))
      } else {
        arms.append((arm.name, [(x, row)]))
      }
    }
    guard arms.contains(where: { $0.points.count > 1 }) else { return nil }
    func lines(
      _ value: (RunSummary.Arm) -> (y: Double, interval: ClosedRange<Double>?)?
    ) -> [ScalingCurves.Arm] {
      arms.map { arm in
        ScalingCurves.Arm(
          name: arm.name,
          points: arm.points.sorted { $0.x < $1.x }.compactMap { x, row in
            value(row).map { .init(x, $0.y, interval: $0.interval) }
          })
      }
    }
    let isResolution = key.hasSuffix("image_size")
    let curves = ScalingCurves(
      title: "\(summary.experiment): score and cost over \(key)",
      unit: isResolution ? "Image side (pixels)" : key, isLogarithmic: false,
      panels: [
        .init(
          title: metric, label: metric,
          arms: lines { arm in
            guard let value = arm.metrics[metric], let mean = value.mean else { return nil }
            return (mean, value.ci95.map { $0.low...max($0.low, $0.high) })
          }),
        .init(
          title: "Time", label: "Training time (s)",
          arms: lines { arm in arm.seconds.map { ($0, nil) } }),
        .init(
          title: "Tokens", label: "Visual tokens", arms: lines { (Double($0.visualTokens), nil) }),
      ], note: "Bars: 95 % intervals.")
    return (isResolution ? .resolution : .tokenBudget, curves)
  }

  /// Accuracy by kind where the kinds are numbers: objects to count, heights of letters.
  private var fineDetail: FineDetailCurves? {
    let prefix = "accuracy/"
    var images: [String: Set<Identifier>] = [:]
    for record in shown.first?.answers ?? [] {
      guard let kind = record.kind else { continue }
      images[kind, default: []].insert(record.image)
    }
    // "7", or "14 px".
    let sizes = images.keys.compactMap { kind in
      kind.split(separator: " ").first.flatMap { Double($0) }.map { (kind, $0) }
    }
    guard sizes.count == images.count, sizes.count > 1 else { return nil }
    let arms = summary.arms.filter { arm in !arm.control }.map { arm in
      FineDetailCurves.Arm(
        name: arm.arm,
        answers: sizes.sorted { $0.1 < $1.1 }.compactMap { kind, size in
          arm.metrics[prefix + kind]?.mean.map {
            .init(size: size, accuracy: $0, images: images[kind]?.count ?? 0)
          }
        })
    }
    let isCount = inputs.config.dataset.settings is CountConfig
    return FineDetailCurves(
      title: "\(summary.experiment): where fine detail is lost",
      probes: [
        .init(
          title: isCount ? "Counting" : "Reading",
          unit: isCount ? "Objects" : "Height of the letters (pixels)", arms: arms)
      ])
  }
}

extension [TrainingRecord] {
  /// Those that have a value, over the updates of their stage.
  fileprivate func points(_ value: (TrainingRecord) -> Double?) -> [PlotPoint] {
    compactMap { record in value(record).map { PlotPoint(Double(record.update), $0) } }
  }
}
