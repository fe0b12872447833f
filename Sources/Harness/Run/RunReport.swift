import Foundation
import Reports
import Storage
import Tensors
import Training

/// Writes what a study says: summary, tables, curves, captions, page.
struct RunReport {
  let experiment: Experiment
  let summary: RunSummary
  let cells: [FinishedCell]
  /// Of the first group, as shapes or as values.
  let inputs: ExperimentInputs
  let folder: ResultsFolder
  let threads: Int
  /// Heatmaps that were written, relative to the results folder.
  let heatmaps: [ReportPage.Picture]
  /// Made of cells that were there: what is known of their run stays as it was.
  var isRepeated = false

  func write() throws {
    try AtomicFile.write(try summary.json(), to: folder.summary)
    let tables = summary.tables
    for (suffix, format) in [("md", ResultTable.Format.markdown), ("tex", .latex)] {
      let text = tables.map { $0.rendered(as: format) }.joined(separator: "\n")
      try AtomicFile.write(text, to: folder.comparison(suffix))
    }
    try AtomicFile.write(tables[0].rendered(as: .csv), to: folder.comparison("csv"))
    let page = ReportPage.tables(tables, title: summary.experiment)
    try AtomicFile.write(page, to: folder.comparison("html"))
    let captions = captionTable
    try AtomicFile.write(captions.markdown(), to: folder.captions)
    try AtomicFile.ensureFolder(folder.figures)
    let curves = try writeCurves()
    let bars = try writeBars()
    let pictures = try writePictures(captions)
    let figures = try writeFigures()
    let known = isRepeated ? Provenance(stored: folder.provenance) : nil
    let provenance =
      known ?? Provenance(inputs: inputs, experiment: experiment, threads: threads)
    try AtomicFile.write(try provenance.json(), to: folder.provenance)
    let report = ReportPage(
      summary: summary, facts: facts, curves: curves, bars: bars, heatmaps: heatmaps,
      captions: captions, captionPictures: pictures, figures: figures,
      provenance: provenance.facts.map { .init($0.name, $0.value) },
      command: provenance.command ?? experiment.command, configuration: experiment.resolvedYAML)
    try AtomicFile.write(report.html(), to: folder.report)
  }

  private var facts: [ReportPage.Fact] {
    let config = experiment.config
    let cut = summary.steps.map {
      ReportPage.Fact("Stages", "ended after \($0) updates: no finished result")
    }
    let missing = (summary.missing ?? []).joined(separator: "; ")
    return [
      .init("Data", inputs.data.description),
      .init("Test images", String(summary.testImages ?? 0)),
      .init("Seeds", config.training.seeds.map(String.init).joined(separator: ", ")),
      .init("Sequence", "\(inputs.sequenceDescription); loss on answers and their ends only"),
    ] + (cut.map { [$0] } ?? []) + (missing.isEmpty ? [] : [.init("Missing cells", missing)])
  }

  /// Cells of the first seed and fold: what captions and pictures are shown of.
  var shown: [FinishedCell] {
    cells.filter {
      $0.cell.seed == experiment.config.training.seeds.first && ($0.cell.fold ?? 0) == 0
    }
  }

  /// Captions of the first test images, before and after training.
  private var captionTable: CaptionTable {
    let images = shown.first?.answers.prefix(experiment.config.figures.captions) ?? []
    return CaptionTable(
      title: "Captions of test images",
      entries: images.enumerated().map { index, record in
        CaptionTable.Entry(
          imageID: record.image.text + (record.question.map { ": \($0)" } ?? ""),
          groundTruth: record.references,
          captions: shown.filter { $0.answers.indices.contains(index) }.map { run in
            let captions = run.answers[index].captions
            return CaptionTable.ArmCaptions(
              arm: run.cell.arm.row, before: captions[AnswerRow.untrained.rawValue],
              after: captions[AnswerRow.trained.rawValue])
          })
      })
  }

  /// More would be a picture too large to look at.
  private static let mostPictures = 24

  /// The captions under their pictures: before training red, after it green.
  private func writePictures(_ captions: CaptionTable) throws -> [ReportPage.Picture] {
    let shown = captions.entries.prefix(Self.mostPictures)
    let records = self.shown.first?.answers ?? []
    let examples = Dictionary(
      inputs.data.set(self.shown.first?.cell.fold).test.map { ($0.id, $0) }
    ) { first, _ in first }
    let pictures = try shown.enumerated().compactMap { index, entry in
      try examples[records[index].image].flatMap { inputs.data.places(of: $0).first }
        .flatMap { try inputs.photo(of: $0) }.map { photo in
          let lines = entry.captions.flatMap { arm in
            [
              arm.before.map {
                PictureGrid.Line(.before, "\(arm.arm), before", Self.shortened($0))
              },
              arm.after.map { PictureGrid.Line(.after, arm.arm, $0) },
            ].compactMap { $0 }
          }
          return PictureGrid.Picture(
            image: photo, title: entry.imageID,
            lines: entry.groundTruth.prefix(1).map { .init(.groundTruth, "", $0) } + lines)
        }
    }
    guard !pictures.isEmpty else { return [] }
    try PictureGrid(title: "Captions before and after training", pictures: pictures)
      .writePNG(to: folder.figures.appending(path: "captions.png"))
    return [
      .init(
        path: "figures/captions.png",
        caption: "Each picture with its first ground truth (black) and what the arms say: before "
          + "training red, after it green.")
    ]
  }

  /// What an untrained arm says may have no end.
  private static func shortened(_ text: String) -> String {
    text.count > 90 ? text.prefix(90) + "…" : text
  }

  private func writeCurves() throws -> [ReportPage.Picture] {
    var training: [LinePlot.Series] = []
    var validation: [LinePlot.Series] = []
    for cell in cells {
      // A table needs no log; curves are drawn of the cells that have one.
      guard let records = try? TrainingRecord.read(cell.cell.folder.log) else { continue }
      let name = cell.cell.arm.row
      let losses = records.compactMap { record in
        record.loss.map { PlotPoint(Double(record.totalUpdate), $0) }
      }
      training.append(.init(name: name, points: smoothed(losses)))
      let validated = records.compactMap { record in
        record.validationLoss.map { PlotPoint(Double(record.totalUpdate), $0) }
      }
      validation.append(.init(name: name, points: validated, showsPoints: true))
    }
    guard training.contains(where: { !$0.points.isEmpty }) else { return [] }
    try LinePlot(
      title: "Training loss (mean of 10 updates)", xAxis: PlotAxis("Update", isCount: true),
      yAxis: PlotAxis("Loss (nats a token)"), series: training
    ).writePNG(to: folder.figures.appending(path: "training-loss.png"))
    try LinePlot(
      title: "Validation loss", xAxis: PlotAxis("Update", isCount: true),
      yAxis: PlotAxis("Loss (nats a token)"), series: validation
    ).writePNG(to: folder.figures.appending(path: "validation-loss.png"))
    return [
      .init(path: "figures/training-loss.png", caption: "Training loss of each arm.", width: 560),
      .init(
        path: "figures/validation-loss.png", caption: "Validation loss after each epoch.",
        width: 560),
    ]
  }

  func smoothed(_ points: [PlotPoint]) -> [PlotPoint] {
    points.indices.map { index in
      let window = points[max(0, index - 9)...index]
      return PlotPoint(points[index].x, window.reduce(0) { $0 + $1.y } / Double(window.count))
    }
  }

  private func writeBars() throws -> [ReportPage.Picture] {
    guard let metric = summary.primary ?? summary.metricNames.first else { return [] }
    let bars = summary.arms.compactMap { arm -> BarPlot.Bar? in
      guard let value = arm.metrics[metric], let mean = value.mean else { return nil }
      return BarPlot.Bar(
        label: arm.arm, value: mean, interval: value.ci95.map { $0.low...max($0.low, $0.high) },
        isMuted: arm.control)
    }
    let name = "figures/\(FigureName.safe(metric.lowercased())).png"
    try BarPlot(title: "\(metric) with 95 % intervals", axis: metric, bars: bars)
      .writePNG(to: folder.url.appending(path: name))
    return [.init(path: name, caption: "\(metric) of every row, controls paler.", width: 640)]
  }
}

/// What ran: enough to know whether two results can be compared.
struct Provenance {
  let facts: [(name: String, value: String)]

  var command: String? { facts.first { $0.name == "command" }?.value }

  /// What an earlier run wrote; nil if it can't be read.
  init?(stored url: URL) {
    guard let data = try? Data(contentsOf: url),
      let object = try? JSONDecoder().decode([String: String].self, from: data)
    else { return nil }
    facts = object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  init(inputs: ExperimentInputs, experiment: Experiment, threads: Int) {
    let system = ProcessInfo.processInfo
    facts =
      [
        ("program", "dragoman \(Version.text)"),
        ("command", experiment.command),
        ("inputs_digest", inputs.recipe.digest),
        ("data", inputs.data.description),
      ] + inputs.recipe.parts.map { ($0.name, $0.value) } + [
        ("numeric_version", "\(NumericVersion.current)"),
        ("operating_system", system.operatingSystemVersionString),
        ("processors", "\(system.activeProcessorCount)"), ("threads", "\(threads)"),
        ("products", ProductInformation.float32),
        ("bfloat16_products", ProductInformation.bfloat16),
        ("blas", ProductInformation.openBLASConfiguration),
        ("kernels", KernelInformation.instructionSet),
        ("peak_memory_bytes", "\(KernelInformation.peakMemoryBytes)"),
      ]
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let object = Dictionary(facts.map { ($0.name, $0.value) }) { first, _ in first }
    return try encoder.encode(object) + Data("\n".utf8)
  }
}

extension Experiment {
  /// The command that runs it, as a user types it.
  var command: String {
    (["dragoman", "run", file] + overrides.map { $0.contains(" ") ? "'\($0)'" : $0 })
      .joined(separator: " ")
  }
}
