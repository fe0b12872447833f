import Projectors
import Reports

extension HeatmapWriter {
  /// All arms beside the photo: each with a heatmap a weighting, and its caption.
  func comparison(_ study: Study, query: HeatmapQuery) -> AttentionFigure {
    let rows = zip(arms, zip(study.captions, study.attention)).map { arm, shown in
      let (caption, attention) = shown
      return AttentionFigure.Arm(
        title: title(of: arm),
        panels: settings.weighting.compactMap { weighting in
          guard let map = attention?.map(weighting, layer: settings.layer),
            let values = values(of: map, query)
          else { return nil }
          return HeatmapPanel(title: weighting.title, grid: valueGrid(values))
        },
        caption: caption,
        note: attention.map { note(of: arm, $0, caption: caption, query: query) })
    }
    return AttentionFigure(
      title: "Where each arm looks: \(study.image)", photo: study.photo,
      groundTruth: study.references, arms: rows,
      note: footer)
  }

  /// Each query of one arm on its own; nil if the settings' layer is not there.
  func queryFigure(
    _ study: Study, _ arm: HeatmapArm, _ attention: ImageAttention
  ) -> QueryFigure? {
    guard let weighting = settings.weighting.first,
      let map = attention.map(weighting, layer: settings.layer)
    else { return nil }
    return QueryFigure(
      title: "\(title(of: arm)): \(weighting.title.lowercased()) over \(study.image)",
      photo: study.photo, grids: (0..<map.queries).map { valueGrid(map[query: $0]) }, scale: .own,
      unit: arm.unit, note: queryNote(attention, weighting))
  }

  private func values(of map: QueryMap, _ query: HeatmapQuery) -> [Float]? {
    switch query {
    case .mean, .all: map.meanOverQueries
    case .index(let index): index < map.queries ? map[query: index] : nil
    }
  }

  private func valueGrid(_ values: [Float]) -> ValueGrid {
    ValueGrid(rows: grid.rows, columns: grid.columns, values: values)
  }

  /// "qformer, 32 visual tokens".
  private func title(of arm: HeatmapArm) -> String {
    let tokens = arm.model.projector.visualTokens(of: grid)
    return "\(arm.arm.row), \(tokens) visual token\(tokens == 1 ? "" : "s")"
  }

  private func note(
    of arm: HeatmapArm, _ attention: ImageAttention, caption: String?, query: HeatmapQuery
  ) -> String {
    guard attention.map(.attention, layer: settings.layer) != nil else {
      return HeatmapError(
        noLayer: settings.layer, of: [(arm.arm.row, attention.layers.map(\.layer))]
      ).description
    }
    let queries = attention.layers[0].attention.queries
    var subject = "Mean over \(queries) \(arm.units)"
    if case .index(let index) = query {
      guard index < queries else { return "There is no \(arm.unit) \(index): it has \(queries)." }
      subject = "\(arm.unit.capitalized) \(index) of 0 to \(queries - 1)"
    }
    let hasOwn = caption?.isEmpty == false
    return "\(subject), \(layerText(attention))."
      + (hasOwn ? "" : " Read with the first caption of the ground truth.")
  }

  private func layerText(_ attention: ImageAttention) -> String {
    if let layer = attention.layer(settings.layer) {
      return settings.weighting == [.rollout]
        ? "rolled out through layer \(layer.layer)" : "layer \(layer.layer)"
    }
    let numbers = attention.layers.map { "\($0.layer)" }
    if settings.weighting == [.rollout] { return "rolled out through layer \(numbers.last ?? "")" }
    return numbers.count == 1
      ? "layer \(numbers[0])"
      : "layers \(numbers.dropLast().joined(separator: ", ")) and \(numbers.last ?? "")"
  }

  private func queryNote(_ attention: ImageAttention, _ weighting: HeatmapWeighting) -> String {
    let layers = layerText(attention)
    let mean = attention.layers.count > 1 && attention.layer(settings.layer) == nil
    let text = mean && weighting != .rollout ? "mean over \(layers)" : layers
    let even = weighting == .gradient ? "" : " Spread evenly, attention would be \(even)."
    return text.prefix(1).uppercased() + text.dropFirst() + "." + even
  }

  /// Every patch's share of attention that is spread evenly.
  private var even: String {
    NumberFormat.significant(3).text(1 / Double(grid.rows * grid.columns))
  }

  private var footer: String {
    settings.weighting.map { weighting in
      switch weighting {
      case .attention:
        "Attention: probabilities, mean over heads, over the \(grid.rows * grid.columns) patches "
          + "alone; spread evenly it would be \(even) everywhere."
      case .gradient:
        "Gradient-weighted: ReLU of probability times the gradient of the caption's mean "
          + "log-likelihood per token, mean over heads: where more attention makes the arm's own "
          + "caption likelier."
      case .rollout:
        "Rollout: attention multiplied through the layers, half of each the residual connection; "
          + "spread evenly it would be \(even) everywhere."
      }
    }.joined(separator: " ") + " Each heatmap has its own scale."
  }
}

extension HeatmapWeighting {
  /// Over a heatmap.
  var title: String {
    switch self {
    case .attention: "Attention"
    case .gradient: "Gradient-weighted attention"
    case .rollout: "Attention rollout"
    }
  }
}

extension HeatmapArm {
  /// What the rows of its attention are called.
  var unit: String { model.projector.queryNoun ?? "query" }
  var units: String { unit == "query" ? "queries" : unit + "s" }
}
