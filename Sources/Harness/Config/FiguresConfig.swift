import Configuration

/// What a heatmap shows of the attention.
public enum HeatmapWeighting: String, ConfigChoice {
  /// The attention probabilities, mean over heads.
  case attention
  /// ReLU of attention times its gradient, mean over heads.
  case gradient
  /// Attention multiplied through the layers, residual connections included.
  case rollout
}

/// Which layers' attention a heatmap shows.
public enum HeatmapLayer: Sendable, Equatable {
  /// The mean over the layers that attend to patches.
  case all
  /// One layer, counted from 0; negative counts from the end.
  case index(Int)

  /// `all`, or a whole number; nil for anything else.
  public init?(_ text: String) {
    guard text != "all" else {
      self = .all
      return
    }
    guard let index = Int(text) else { return nil }
    self = .index(index)
  }

  /// Where the one layer stands among those that see the patches; nil for `all` and for a layer that is
  /// not one of them.
  func place(among layers: [Int]) -> Int? {
    guard case .index(let index) = self else { return nil }
    guard index < 0 else { return layers.firstIndex(of: index) }
    let place = layers.count + index
    return layers.indices.contains(place) ? place : nil
  }
}

extension ValueType where Value == HeatmapLayer {
  /// `all`, or a whole number.
  public static var heatmapLayer: Self {
    .scalar(
      "'all' or a whole number",
      schema: [
        .init(
          "anyOf",
          .array([.object([.init("const", "all")]), .object([.init("type", "integer")])]))
      ],
      .any, parse: { HeatmapLayer($0) },
      encode: { layer in
        switch layer {
        case .all: .plain("all")
        case .index(let index): .plain(String(index))
        }
      })
  }
}

/// Attention grids of the arms that have queries or latents: `figures.heatmaps:`.
public struct HeatmapsConfig: ConfigSection {
  public var images = 6
  public var weighting: [HeatmapWeighting] = [.attention, .gradient]
  public var layer = HeatmapLayer.all
  public var eachQuery = true
  public var magnitude = false

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("images", \.images, .atLeast(0), "Test images that are drawn; 0 for none."),
    .list("weighting", \.weighting, of: .choice, .nonEmptyUnique, "Columns of the grid."),
    Field(
      "layer", \.layer, .heatmapLayer,
      "all: the mean over layers that see patches; N: one, -1 the last."),
    .bool("each_query", \.eachQuery, "Also a grid with every query or latent on its own."),
    .bool(
      "magnitude", \.magnitude,
      "Also how long each patch's feature vector is; needs no arm with attention."),
  ]
}

/// Pictures and sample captions of the report: `figures:`.
public struct FiguresConfig: ConfigSection {
  public var heatmaps = HeatmapsConfig()
  public var captions = 8
  public var patchGrid = false
  public var features = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .section("heatmaps", \.heatmaps, "Attention over the photograph."),
    .integer(
      "captions", \.captions, .atLeast(0),
      "Test images whose captions stand side by side with the ground truth."),
    .bool("patch_grid", \.patchGrid, "A test image cut into patches, each with its number."),
    .integer(
      "features", \.features, .atLeast(0),
      "Test images whose features are drawn before and after the projector, in the plane of two principal "
        + "components, coloured by answer; 0 for none."),
  ]
}
