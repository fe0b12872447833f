import Testing

@testable import Tensors

/// Pooling and putting side by side of rows of grids.
@Suite struct GroupTests {
  private static let grids = [
    PackedGrid(start: 1, size: GridSize(rows: 2, columns: 4)),
    PackedGrid(start: 10, size: GridSize(rows: 4, columns: 2)),
  ]

  @Test func blocksFollowTheGridRowByRow() {
    let groups = RowGroups.blocks(GridSize(rows: 2, columns: 2), of: [Self.grids[0]])
    #expect(groups.rows == [1, 2, 5, 6, 3, 4, 7, 8] && groups.ends == [4, 8])
  }

  /// `torch.nn.AdaptiveAvgPool2d` of 6 to 4: rows 0–1, 1–2, 3–4, 4–5.
  @Test func binsOverlapWhereSizesDoNotDivide() {
    let grid = PackedGrid(start: 0, size: GridSize(rows: 6, columns: 1))
    let groups = RowGroups.bins(GridSize(rows: 4, columns: 1), of: [grid])
    #expect(groups.rows == [0, 1, 1, 2, 3, 4, 4, 5] && groups.ends == [2, 4, 6, 8])
    // More bins than rows: each is one row.
    let more = RowGroups.bins(
      GridSize(rows: 3, columns: 1), of: [PackedGrid(start: 0, size: GridSize(rows: 2, columns: 1))]
    )
    #expect(more.rows == [0, 0, 1, 1] && more.ends == [1, 3, 4])
  }

  @Test func meanOfBlocks() {
    GradientCheck(inputs: [(18, 3)]) { tape, inputs, _ in
      tape.mean(inputs[0], groups: .blocks(GridSize(rows: 2, columns: 2), of: Self.grids))
    }.run()
  }

  @Test func meanOfBinsThatOverlap() {
    GradientCheck(inputs: [(18, 3)]) { tape, inputs, _ in
      tape.mean(inputs[0], groups: .bins(GridSize(rows: 3, columns: 3), of: Self.grids))
    }.run()
  }

  @Test func blocksSideBySide() {
    GradientCheck(inputs: [(18, 3)]) { tape, inputs, _ in
      tape.concatenated(inputs[0], groups: .blocks(GridSize(rows: 1, columns: 2), of: Self.grids))
    }.run()
  }

  @Test func meanAddsToAGradientThatIsThere() {
    GradientCheck(inputs: [(4, 3)]) { tape, inputs, _ in
      let grid = PackedGrid(start: 0, size: GridSize(rows: 2, columns: 2))
      let groups = RowGroups.blocks(GridSize(rows: 1, columns: 1), of: [grid])
      let mean = tape.mean(inputs[0], groups: groups)
      return tape.add(tape.add(inputs[0], mean), tape.concatenated(inputs[0], groups: groups))
    }.run()
  }
}
