import Metrics
import Storage

/// Features in the plane of their two principal components, coloured by concept: before and after a projector, or
/// visual tokens among the embeddings of words.
public struct FeatureScatter: Figure {
  /// Rows of one concept: "red".
  public struct Concept: Sendable, Equatable {
    public var name: String
    /// Shape `[n, width]`, row by row, finite.
    public var rows: [Float]
    /// Written beside each row's point; none if empty.
    public var labels: [String]
    /// Small and grey behind the others: embeddings of words.
    public var isBackground: Bool

    public init(
      name: String, rows: [Float], labels: [String] = [], isBackground: Bool = false
    ) {
      self.name = name
      self.rows = rows
      self.labels = labels
      self.isBackground = isBackground
    }
  }

  /// One plot: features of one width.
  public struct Space: Sendable, Equatable {
    public var title: String
    public var width: Int
    public var concepts: [Concept]

    /// - Precondition: rows of all concepts have this width, and there is one row at least.
    public init(title: String, width: Int, concepts: [Concept]) {
      self.title = title
      self.width = width
      self.concepts = concepts
    }
  }

  public var title: String
  /// Side by side. Each has components of its own.
  public var spaces: [Space]
  public var note: String?

  public init(title: String, spaces: [Space], note: String? = nil) {
    self.title = title
    self.spaces = spaces
    self.note = note
  }

  public func image(scale: Int) throws -> RGBImage {
    try PlotGrid(
      title: title, rows: [spaces.map { .scatter($0.plot) }], note: note
    ).image(scale: scale)
  }
}

extension FeatureScatter.Space {
  /// Two features are drawn as they are; more by their principal components.
  package var plot: ScatterPlot {
    let rows = concepts.flatMap(\.rows)
    guard width > 2, !rows.isEmpty else {
      return plot(axes: ["First feature", "Second feature"]) { row in
        PlotPoint(Double(row.first ?? 0), Double(row.dropFirst().first ?? 0))
      }
    }
    let components = PrincipalComponents(of: rows, width: width)
    let axes = zip(["First", "Second"], components.shares).map { name, share in
      "\(name) component (\(NumberFormat.decimals(0).text(100 * share)) % of variance)"
    }
    return plot(axes: axes) { row in
      let place = components.coordinates(of: Array(row))
      return PlotPoint(place[0], place[1])
    }
  }

  private func plot(axes: [String], _ place: (ArraySlice<Float>) -> PlotPoint) -> ScatterPlot {
    ScatterPlot(
      title: title, xAxis: PlotAxis(axes[0]), yAxis: PlotAxis(axes[1]),
      groups: concepts.map { concept in
        .init(
          name: concept.name,
          points: stride(from: 0, to: concept.rows.count, by: width).map {
            place(concept.rows[$0..<$0 + width])
          }, labels: concept.labels, isMuted: concept.isBackground)
      }, plotWidth: 360, plotHeight: 320)
  }
}
