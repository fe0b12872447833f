import Layers

/// Where a projector stands: what comes in and what goes out.
public struct ProjectorSite: Sendable {
  /// Width of the encoder's features.
  public var patchWidth: Int
  /// Of the first medium; presets choose sizes for it, and projectors that cannot take it refuse it.
  public var grid: PatchGrid
  /// Width of the language model.
  public var languageWidth: Int
  /// Root mean square of the language model's text embeddings; any number where only shapes are made.
  public var textScale: Float

  public init(patchWidth: Int, grid: PatchGrid, languageWidth: Int, textScale: Float = 1) {
    self.patchWidth = patchWidth
    self.grid = grid
    self.languageWidth = languageWidth
    self.textScale = textScale
  }
}
