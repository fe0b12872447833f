/// How many rows and columns a grid has.
public struct GridSize: Sendable, Hashable, CustomStringConvertible {
  public var rows: Int
  public var columns: Int

  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  public var count: Int { rows * columns }

  /// "14×14".
  public var description: String { "\(rows)×\(columns)" }
}

/// A grid that lies row by row in a packed tensor.
public struct PackedGrid: Sendable, Hashable {
  /// Row of the tensor that holds the grid's first place.
  public let start: Int
  public let size: GridSize

  public init(start: Int, size: GridSize) {
    self.start = start
    self.size = size
  }

  /// Row of the tensor that holds a place.
  func row(_ row: Int, _ column: Int) -> Int32 { Int32(start + row * size.columns + column) }
}

/// Groups of rows of a packed tensor, each of which becomes one row.
public struct RowGroups: Sendable, Hashable {
  /// The rows of all groups, one group after the other; a row may be in several.
  public private(set) var rows: [Int32] = []
  /// Where each group ends in ``rows``.
  public private(set) var ends: [Int] = []

  public var count: Int { ends.count }

  public init() {}

  /// Blocks of `block` places that do not overlap, row by row over each grid, and row by row in a block.
  /// - Precondition: the block divides every grid.
  public static func blocks(_ block: GridSize, of grids: [PackedGrid]) -> RowGroups {
    var groups = RowGroups()
    for grid in grids {
      precondition(
        grid.size.rows % block.rows == 0 && grid.size.columns % block.columns == 0,
        "blocks of \(block) do not divide \(grid.size)")
      for row in stride(from: 0, to: grid.size.rows, by: block.rows) {
        for column in stride(from: 0, to: grid.size.columns, by: block.columns) {
          groups.append(grid, row..<row + block.rows, column..<column + block.columns)
        }
      }
    }
    return groups
  }

  /// Bins that cover each grid with `output` places: place i of n takes rows ⌊i·R/n⌋ up to but not
  /// including ⌈(i+1)·R/n⌉ of R, columns alike, so bins overlap where sizes do not divide
  /// (`torch.nn.AdaptiveAvgPool2d`).
  public static func bins(_ output: GridSize, of grids: [PackedGrid]) -> RowGroups {
    func range(_ index: Int, _ count: Int, of size: Int) -> Range<Int> {
      index * size / count..<((index + 1) * size + count - 1) / count
    }
    var groups = RowGroups()
    for grid in grids {
      for row in 0..<output.rows {
        for column in 0..<output.columns {
          groups.append(
            grid, range(row, output.rows, of: grid.size.rows),
            range(column, output.columns, of: grid.size.columns))
        }
      }
    }
    return groups
  }

  private mutating func append(_ grid: PackedGrid, _ rows: Range<Int>, _ columns: Range<Int>) {
    for row in rows { for column in columns { self.rows.append(grid.row(row, column)) } }
    ends.append(self.rows.count)
  }

  /// Calls `body` with each group's number and its rows.
  func visit(_ body: (Int, ArraySlice<Int32>) -> Void) {
    var first = 0
    for (group, end) in ends.enumerated() {
      body(group, rows[first..<end])
      first = end
    }
  }
}
