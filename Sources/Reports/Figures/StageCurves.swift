import Storage

/// Loss over training, and accuracy where there is one, of several arms and seeds: stages side by side, loss above
/// accuracy.
public struct StageCurves: Figure {
  /// One run of one arm in one stage.
  public struct Run: Sendable, Equatable {
    public var arm: String
    /// Over the stage's updates or epochs.
    public var training: [PlotPoint]
    public var validation: [PlotPoint]

    public init(arm: String, training: [PlotPoint], validation: [PlotPoint]) {
      self.arm = arm
      self.training = training
      self.validation = validation
    }
  }

  public struct Stage: Sendable, Equatable {
    /// "Stage 1: the projector learns captions".
    public var title: String
    public var loss: [Run]
    /// Shares from 0 to 1; empty where no accuracy was measured.
    public var accuracy: [Run]

    public init(title: String, loss: [Run], accuracy: [Run] = []) {
      self.title = title
      self.loss = loss
      self.accuracy = accuracy
    }
  }

  public var title: String
  public var stages: [Stage]
  /// What the curves run over: "Update", "Epoch".
  public var unit: String
  public var note: String?

  public init(title: String, stages: [Stage], unit: String = "Epoch", note: String? = nil) {
    self.title = title
    self.stages = stages
    self.unit = unit
    self.note = note
  }

  public func image(scale: Int) throws -> RGBImage { try grid.image(scale: scale) }

  private var grid: PlotGrid {
    let hasAccuracy = stages.contains { !$0.accuracy.isEmpty }
    let losses = stages.map { stage in
      plot(stage.loss, title: stage.title, label: "Loss (nats a token)", range: nil)
    }
    let accuracies = stages.map { stage in
      stage.accuracy.isEmpty
        ? PlotGrid.Panel.empty
        : plot(stage.accuracy, title: "", label: "Accuracy", range: -0.02...1.02)
    }
    return PlotGrid(
      title: title, rows: hasAccuracy ? [losses, accuracies] : [losses], note: note)
  }

  private func plot(
    _ runs: [Run], title: String, label: String, range: ClosedRange<Double>?
  ) -> PlotGrid.Panel {
    let series = runs.flatMap { run -> [LinePlot.Series] in
      [
        .init(
          name: "\(run.arm), training", points: run.training, stroke: .dashed,
          colorGroup: run.arm, isFaint: run.training.count > 100),
        .init(
          name: "\(run.arm), validation", points: run.validation, colorGroup: run.arm,
          showsPoints: true),
      ].filter { !$0.points.isEmpty }
    }
    let most = series.flatMap(\.points).map(\.y).filter(\.isFinite).max() ?? 1
    return .lines(
      LinePlot(
        title: title, xAxis: PlotAxis(unit, isCount: true),
        yAxis: PlotAxis(label, range: range ?? 0...(most > 0 ? most * 1.04 : 1)), series: series,
        plotWidth: 360, plotHeight: 230))
  }
}
