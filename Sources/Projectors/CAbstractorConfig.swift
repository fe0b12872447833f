import Configuration
import Layers
import Tensors

/// Settings of `kind: c_abstractor`.
public struct CAbstractorConfig: ProjectorSettings {
  public static let kind = "c_abstractor"
  public static let documentation =
    "Honeybee's C-Abstractor: convolutions over the grid, pooled to a smaller grid between them."

  public var outputGrid = GridSize(rows: 8, columns: 8)
  public var depth = 3
  /// `nil`: the encoder's width.
  public var width: Int?
  public var readoutDepth = 2

  public init() {}

  public static let fields: [Field<Self>] = [
    Field(
      "output_grid", \.outputGrid, .gridSize,
      "Visual tokens: N for N×N, or [rows, columns] (adaptive average pooling)."),
    .integer("depth", \.depth, .positive, "RegNet blocks before the pooling, and as many after."),
    .integer("width", \.width, .positive, "Channels of the convolutions; null: the encoder's."),
    .integer(
      "readout_depth", \.readoutDepth, .positive, "Linear maps at the end, with SiLU between."),
  ]

  /// The output grid whose sides are to each other as nearly as the patches' grid's; of two alike the
  /// taller one, as blocks of a pooled MLP are wide.
  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self {
    guard grid.isSpatial else {
      throw .noGrid(projector: Self.kind, key: "kind", tokens: grid.tokens)
    }
    var result = self
    let size = grid.size
    let possible = GridSize.all(within: size)
    guard
      let best = possible.filter({ $0.count == tokens }).min(by: {
        $0.distortion(of: size) < $1.distortion(of: size)
      })
    else {
      throw .tokensNotReached(
        projector: Self.kind, tokens: tokens, grid: size,
        nearest: possible.map(\.count).neighbours(of: tokens))
    }
    guard outputGrid == Self().outputGrid || outputGrid.count == tokens else {
      throw .twoSizes(projector: Self.kind, key: "output_grid", preset: "tokens")
    }
    if outputGrid.count != tokens { result.outputGrid = best }
    return result
  }

  public var sizeSetting: SizeSetting<Self>? {
    width == nil
      ? .width(\.width, of: self, heads: nil) : SizeSetting("depth", \.depth, of: self)
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try CAbstractor(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, width: width, depth: depth,
      outputGrid: outputGrid, readoutDepth: readoutDepth, in: scope)
  }
}

extension GridSize {
  /// Every grid with at most this one's rows and columns.
  fileprivate static func all(within size: GridSize) -> [GridSize] {
    (0..<size.count).map {
      GridSize(rows: $0 / size.columns + 1, columns: $0 % size.columns + 1)
    }
  }

  /// How far its sides' ratio is from another grid's: 1 if they are alike.
  fileprivate func distortion(of other: GridSize) -> Double {
    let ratio = Double(rows * other.columns) / Double(columns * other.rows)
    return max(ratio, 1 / ratio) + (ratio < 1 ? 1e-9 : 0)
  }
}
