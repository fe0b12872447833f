import Tensors

extension PatchGrid {
  /// Without the leading tokens.
  public var size: GridSize { GridSize(rows: rows, columns: columns) }
}

extension Patches {
  /// Where each medium's grid lies among the rows, past its leading tokens.
  public var packedGrids: [PackedGrid] {
    zip(segments.indices, grids).map { index, grid in
      PackedGrid(start: segments[index].lowerBound + grid.leading, size: grid.size)
    }
  }
}
