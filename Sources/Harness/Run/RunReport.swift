import Foundation
import Reports
import Storage
import Tensors
import Training

/// Writes what a finished experiment says: summary, tables, curves, captions, page.
struct RunReport {
  let experiment: Experiment
  let summary: RunSummary
  let runs: [FinishedRun]
  let inputs: ExperimentInputs
  let folder: ResultsFolder
  let threads: Int
  /// Heatmaps that were written, relative to the results folder.
  let heatmaps: [ReportPage.Picture]

  func write() throws {
    try AtomicFile.write(try summary.json(), to: folder.summary)
    let tables = [summary.comparisonTable(), summary.comparisonsTable()]
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
    let provenance = Provenance(inputs: inputs, experiment: experiment, threads: threads)
    try AtomicFile.write(try provenance.json(), to: folder.provenance)
    let report = ReportPage(
      summary: summary, facts: facts, curves: curves, bars: bars, heatmaps: heatmaps,
      captions: captions, captionPictures: pictures,
      provenance: provenance.facts.map { .init($0.name, $0.value) },
      command: experiment.command, configuration: experiment.resolvedYAML)
    try AtomicFile.write(report.html(), to: folder.report)
  }

  private var facts: [ReportPage.Fact] {
    let config = experiment.config
    return [
      .init("Data", inputs.dataset.description),
      .init("Test images", String(inputs.dataset.test.count)),
      .init("Seeds", config.training.seeds.map(String.init).joined(separator: ", ")),
      .init("Sequence", "\(inputs.sequence.description); loss on caption and end token only"),
    ]
  }

  /// Captions of the first test images, before and after training.
  private var captionTable: CaptionTable {
    let shown = experiment.config.figures.captions
    let seed = experiment.config.training.seeds.first
    let first = runs.filter { $0.outcome.seed == seed }
    let images = first.first?.captions.prefix(shown) ?? []
    return CaptionTable(
      title: "Captions of test images",
      entries: images.enumerated().map { index, record in
        CaptionTable.Entry(
          imageID: record.image, groundTruth: record.references,
          captions: first.map { run in
            let captions = run.captions[index].captions
            return CaptionTable.ArmCaptions(
              arm: run.outcome.arm, before: captions[CaptionRow.untrained.rawValue],
              after: captions[CaptionRow.trained.rawValue])
          })
      })
  }

  /// More would be a picture too large to look at.
  private static let mostPictures = 24

  /// The captions under their pictures: before training red, after it green.
  private func writePictures(_ captions: CaptionTable) throws -> [ReportPage.Picture] {
    let shown = captions.entries.prefix(Self.mostPictures)
    let pictures = try shown.enumerated().compactMap { index, entry in
      try inputs.photo(of: inputs.testStart + index).map { photo in
        let lines = entry.captions.flatMap { arm in
          [
            arm.before.map { PictureGrid.Line(.before, "\(arm.arm), before", Self.shortened($0)) },
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
    for run in runs {
      let log = folder.run(arm: run.outcome.arm, seed: run.outcome.seed).log
      let records = try TrainingRecord.read(log)
      let name = run.outcome.arm
      let losses = records.compactMap { record in
        record.loss.map { PlotPoint(Double(record.update), $0) }
      }
      training.append(.init(name: name, points: smoothed(losses)))
      let validated = records.compactMap { record in
        record.validationLoss.map { PlotPoint(Double(record.epoch + 1), $0) }
      }
      validation.append(.init(name: name, points: validated, showsPoints: true))
    }
    try LinePlot(
      title: "Training loss (mean of 10 updates)", xAxis: PlotAxis("Update", isCount: true),
      yAxis: PlotAxis("Loss (nats a token)"), series: training
    ).writePNG(to: folder.figures.appending(path: "training-loss.png"))
    try LinePlot(
      title: "Validation loss", xAxis: PlotAxis("Epoch", isCount: true),
      yAxis: PlotAxis("Loss (nats a token)"), series: validation
    ).writePNG(to: folder.figures.appending(path: "validation-loss.png"))
    return [
      .init(path: "figures/training-loss.png", caption: "Training loss of each arm.", width: 560),
      .init(
        path: "figures/validation-loss.png", caption: "Validation loss after each epoch.",
        width: 560),
    ]
  }

  private func smoothed(_ points: [PlotPoint]) -> [PlotPoint] {
    points.indices.map { index in
      let window = points[max(0, index - 9)...index]
      return PlotPoint(points[index].x, window.reduce(0) { $0 + $1.y } / Double(window.count))
    }
  }

  private func writeBars() throws -> [ReportPage.Picture] {
    guard let metric = summary.metricNames.first else { return [] }
    let bars = summary.arms.compactMap { arm -> BarPlot.Bar? in
      guard let value = arm.metrics[metric], let mean = value.mean else { return nil }
      return BarPlot.Bar(
        label: arm.arm, value: mean, interval: value.ci95.map { $0.low...max($0.low, $0.high) },
        isMuted: arm.control)
    }
    let name = "figures/\(metric.lowercased()).png"
    try BarPlot(title: "\(metric) with 95 % intervals", axis: metric, bars: bars)
      .writePNG(to: folder.url.appending(path: name))
    return [.init(path: name, caption: "\(metric) of every row, controls paler.", width: 640)]
  }
}

/// What ran: enough to know whether two results can be compared.
struct Provenance {
  let facts: [(name: String, value: String)]

  init(inputs: ExperimentInputs, experiment: Experiment, threads: Int) {
    let system = ProcessInfo.processInfo
    facts =
      [
        ("program", "dragoman \(Version.text)"),
        ("command", experiment.command),
        ("inputs_digest", inputs.digest),
      ] + inputs.provenance.map { ($0.name, $0.value) } + [
        ("operating_system", system.operatingSystemVersionString),
        ("processors", "\(system.activeProcessorCount)"), ("threads", "\(threads)"),
        ("blas", BLASInformation.configuration), ("blas_kernel", BLASInformation.kernel),
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

  /// The question of the file's header comment, when it has one.
  var question: String? {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("#") else { break }
      let content = line.dropFirst().trimmingCharacters(in: .whitespaces)
      if content.hasPrefix("Question:") {
        lines = [content.dropFirst("Question:".count).trimmingCharacters(in: .whitespaces)]
      } else if !lines.isEmpty {
        if content.contains(/^[A-Z][a-z]+:/) { break }
        lines.append(content)
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: " ")
  }
}
