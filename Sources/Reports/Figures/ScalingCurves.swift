import Storage

/// What changes with an image's size or a token budget: score, time and tokens over it, a plot each, one line an
/// arm.
public struct ScalingCurves: Figure {
  public struct Point: Sendable, Equatable {
    public var x: Double
    public var y: Double
    /// The 95 % interval; nil where there is none, as of a number of tokens.
    public var interval: ClosedRange<Double>?

    public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  public struct Arm: Sendable, Equatable {
    public var name: String
    /// In order of x.
    public var points: [Point]
    /// Arms of one group share a colour: a projector at two budgets; the name if `nil`.
    public var group: String?
    public var stroke: LinePlot.Stroke

    public init(
      name: String, points: [Point], group: String? = nil, stroke: LinePlot.Stroke = .solid
    ) {
      self.name = name
      self.points = points
      self.group = group
      self.stroke = stroke
    }
  }

  /// One measure.
  public struct Panel: Sendable, Equatable {
    public var title: String
    /// The measure and its unit: "Training time (s)".
    public var label: String
    public var arms: [Arm]
    /// nil: the data's, from 0.
    public var range: ClosedRange<Double>?
    public var isLogarithmic: Bool
    /// What guessing reaches, drawn as a dotted line.
    public var chance: Double?

    public init(
      title: String, label: String, arms: [Arm], range: ClosedRange<Double>? = nil,
      isLogarithmic: Bool = false, chance: Double? = nil
    ) {
      self.title = title
      self.label = label
      self.arms = arms
      self.range = range
      self.isLogarithmic = isLogarithmic
      self.chance = chance
    }
  }

  public var title: String
  /// What is varied: "Image side (pixels)", "Visual tokens", "Objects", "Glyph height (pixels)".
  public var unit: String
  /// Whether the plots' x runs in powers, as for token budgets; marks stand at the measured values either way.
  public var isLogarithmic: Bool
  public var panels: [Panel]
  public var note: String?

  public init(
    title: String, unit: String, isLogarithmic: Bool = true, panels: [Panel],
    note: String? = nil
  ) {
    self.title = title
    self.unit = unit
    self.isLogarithmic = isLogarithmic
    self.panels = panels
    self.note = note
  }

  public func image(scale: Int) throws -> RGBImage {
    try PlotGrid(
      title: title, rows: [panels.map { $0.plot(over: unit, isLogarithmic: isLogarithmic) }],
      note: note
    ).image(scale: scale)
  }
}

extension ScalingCurves.Panel {
  func plot(over unit: String, isLogarithmic xIsLogarithmic: Bool, width: Int = 270)
    -> PlotGrid.Panel
  {
    let points = arms.flatMap(\.points)
    let values = Set(points.map(\.x)).sorted()
    var series = arms.map { arm in
      LinePlot.Series(
        name: arm.name, points: arm.points.map { PlotPoint($0.x, $0.y) },
        intervals: arm.points.map(\.interval), stroke: arm.stroke, colorGroup: arm.group,
        showsPoints: true)
    }
    if let chance, let low = values.first, let high = values.last {
      series.insert(
        .init(
          name: "chance", points: [PlotPoint(low, chance), PlotPoint(high, chance)],
          stroke: .dotted, isMuted: true), at: 0)
    }
    let most = series.flatMap(\.reach).map(\.y).filter(\.isFinite).max() ?? 1
    let whole = 0...(most > 0 ? most * 1.06 : 1)
    return .lines(
      LinePlot(
        title: title,
        xAxis: PlotAxis(unit, scale: xIsLogarithmic ? .logarithmic : .linear, marks: values),
        yAxis: PlotAxis(
          label, scale: isLogarithmic ? .logarithmic : .linear,
          range: range ?? (isLogarithmic ? nil : whole)),
        series: series, plotWidth: width, plotHeight: 230))
  }
}
