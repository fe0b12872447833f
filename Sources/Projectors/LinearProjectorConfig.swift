import Configuration
import Layers
import Tensors

/// Settings of `kind: linear`; there is nothing to set.
public struct LinearProjectorConfig: ProjectorSettings {
  public static let kind = "linear"
  public static let documentation =
    "One linear map per patch; keeps every patch."

  public init() {}

  public static let fields: [Field<Self>] = []

  public func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector {
    try LinearProjector(patchWidth: patchWidth, languageWidth: languageWidth, in: scope)
  }
}
