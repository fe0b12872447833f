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

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try CAbstractor(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, width: width, depth: depth,
      outputGrid: outputGrid, readoutDepth: readoutDepth, in: scope)
  }
}
