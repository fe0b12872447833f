import Tensors

/// How the rows of one medium (an image, a sound) lie in it: leading tokens, then a grid row by row.
public struct PatchGrid: Sendable, Hashable {
  public var rows: Int
  public var columns: Int
  /// Tokens before the first patch of the grid: class and register tokens.
  public var leading: Int
  /// Whether neighbours in the grid are neighbours in the medium. Features of unknown origin are one row of
  /// tokens without that.
  public var isSpatial: Bool

  public init(rows: Int, columns: Int, leading: Int = 0, isSpatial: Bool = true) {
    self.rows = rows
    self.columns = columns
    self.leading = leading
    self.isSpatial = isSpatial
  }

  /// Tokens of which only the number is known.
  public static func sequence(_ tokens: Int) -> PatchGrid {
    PatchGrid(rows: 1, columns: tokens, isSpatial: false)
  }

  /// All rows of the medium, leading ones counted.
  public var tokens: Int { leading + rows * columns }
}

/// Patch features of several media as packed rows, each with its grid: what a projector gets.
///
/// Shapes: B media of P₁ … P_B tokens, `[ΣP, D]`.
public struct Patches: Sendable {
  public let rows: Rows
  /// One a medium.
  public let grids: [PatchGrid]

  public var tensor: Tensor { rows.tensor }
  public var segments: Segments { rows.segments }
  public var width: Int { rows.width }
  public var count: Int { grids.count }

  /// - Precondition: the grids' tokens, one after the other, are the tensor's rows.
  public init(_ tensor: Tensor, grids: [PatchGrid]) {
    rows = Rows(tensor, Segments(lengths: grids.map(\.tokens)))
    self.grids = grids
  }

  /// The same media with other contents.
  public func with(_ tensor: Tensor) -> Patches { Patches(tensor, grids: grids) }
}
