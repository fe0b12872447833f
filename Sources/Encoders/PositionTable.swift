import Foundation
import Layers
import Synchronization
import Tensors

/// Learned positions of a grid of patches, resized for images of other sizes.
///
/// Source: `interpolate_pos_encoding` of transformers, whose rules are ``Resizing``. Leading rows (the class
/// token's) stay as they are. The table itself is used only for a grid of its own rows and columns (theirs are
/// square).
///
/// Resizing is linear, so a table that trains is resized on the tape and gets the gradients of every
/// grid. A frozen one is resized once (in double precision) and again only when its values are others.
public struct PositionTable: Module {
  /// `[leading + rows · columns, D]`, with axes of 1 in front in some checkpoints.
  public let weight: Parameter
  /// torch's bicubic interpolation with half-pixel centres, in one of its two forms.
  enum Resizing {
    /// Of DINOv2, ViT, CLIP and SigLIP: cubic convolution with a = −0.75, no antialiasing, taps past the
    /// edge clamped to it.
    case bicubic
    /// Of DINOv2 with registers (`antialias=True`): a = −0.5, the kernel as wide as a step of a smaller
    /// grid, taps past the edge left out and the others' weights made to sum to 1.
    case antialiasedBicubic
  }

  private let leading: Int
  private let resizing: Resizing
  private let rows: Int
  private let columns: Int
  private let width: Int
  private let resized = ResizedTables()

  public var parameters: [Parameter] { [weight] }

  /// - Precondition: the weight has `leading + rows · columns` rows.
  init(
    _ weight: Parameter, leading: Int, rows: Int, columns: Int, resizing: Resizing = .bicubic
  ) {
    self.weight = weight
    self.leading = leading
    self.resizing = resizing
    self.rows = rows
    self.columns = columns
    width = weight.shape.last ?? 1
    precondition(
      weight.count == (leading + rows * columns) * width,
      "\(weight.name) is no table of \(leading) + \(rows) × \(columns) positions")
  }

  /// Adds to each image's tokens the positions of its grid.
  ///
  /// Shapes: `[R, D]` → `[R, D]`, for images of R tokens together.
  /// - Precondition: each grid has the table's leading tokens; together they have R tokens.
  public func added(to rows: Tensor, grids: [PatchGrid], in context: Context) -> Tensor {
    let tape = context.tape
    let distinct = grids.reduce(into: [PatchGrid]()) { found, grid in
      if !found.contains(grid) { found.append(grid) }
    }
    if distinct.count == 1, let parameter = fixedTable(distinct[0]) {
      return tape.addRepeated(rows, parameter)
    }
    let tables = distinct.map { grid in
      fixedTable(grid).map { tape.parameter($0) }
        ?? tape.combined(
          weight, by: resized.matrix(grid) { matrix(to: grid) })
    }
    let runs = grids.map { grid in
      RowRun(source: distinct.firstIndex(of: grid) ?? 0, rows: 0..<grid.tokens)
    }
    return tape.add(rows, tape.join(tables, runs: runs))
  }

  /// The rows `[leading + patches, D]` of a grid where they are a weight: the table itself, or the
  /// resized one of a frozen table.
  func fixedTable(_ grid: PatchGrid) -> Parameter? {
    if grid.rows == rows, grid.columns == columns { return weight }
    guard !weight.isTrainable else { return nil }
    return resized.table(grid, of: weight) { source in
      interpolated(source, to: grid)
    }
  }

  private func interpolated(_ source: [Float], to grid: PatchGrid) -> [Float] {
    let vertical = resizing.taps(from: rows, to: grid.rows)
    let horizontal = resizing.taps(from: columns, to: grid.columns)
    var result = Array(source[..<(leading * width)])
    result.reserveCapacity((leading + grid.rows * grid.columns) * width)
    var sums = [Double](repeating: 0, count: width)
    for v in vertical {
      for h in horizontal {
        for index in sums.indices { sums[index] = 0 }
        for (row, a) in v {
          for (column, b) in h {
            let start = (leading + row * columns + column) * width
            for index in 0..<width { sums[index] += a * b * Double(source[start + index]) }
          }
        }
        result.append(contentsOf: sums.map { Float($0) })
      }
    }
    return result
  }

  /// The same resizing as a matrix `[grid's tokens, leading + rows · columns]`.
  private func matrix(to grid: PatchGrid) -> [Float] {
    let sources = leading + rows * columns
    var result = [Float](repeating: 0, count: (leading + grid.rows * grid.columns) * sources)
    for index in 0..<leading { result[index * sources + index] = 1 }
    let horizontal = resizing.taps(from: columns, to: grid.columns)
    for (y, v) in resizing.taps(from: rows, to: grid.rows).enumerated() {
      for (x, h) in horizontal.enumerated() {
        let start = (leading + y * grid.columns + x) * sources + leading
        for (row, a) in v {
          for (column, b) in h { result[start + row * columns + column] += Float(a * b) }
        }
      }
    }
    return result
  }

}

extension PositionTable.Resizing {
  /// For each output coordinate the source indices and their weights.
  fileprivate func taps(
    from input: Int, to output: Int
  ) -> [[(index: Int, weight: Double)]] {
    switch self {
    case .bicubic: Self.clampedTaps(from: input, to: output)
    case .antialiasedBicubic: Self.antialiasedTaps(from: input, to: output)
    }
  }

  private static func antialiasedTaps(
    from input: Int, to output: Int
  ) -> [[(index: Int, weight: Double)]] {
    func cubic(_ x: Double) -> Double {
      let x = abs(x)
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }
    let scale = Double(input) / Double(output)
    let stretch = max(scale, 1)
    return (0..<output).map { position in
      let centre = scale * (Double(position) + 0.5)
      let first = max(Int(centre - 2 * stretch + 0.5), 0)
      let end = min(Int(centre + 2 * stretch + 0.5), input)
      let weights = (first..<end).map { cubic((Double($0) - centre + 0.5) / stretch) }
      let sum = weights.reduce(0, +)
      return zip(first..<end, weights).map { ($0, $1 / sum) }
    }
  }

  private static func clampedTaps(
    from input: Int, to output: Int
  ) -> [[(index: Int, weight: Double)]] {
    let a = -0.75
    func near(_ x: Double) -> Double { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Double) -> Double { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return (0..<output).map { position in
      let coordinate = (Double(position) + 0.5) * Double(input) / Double(output) - 0.5
      let floor = coordinate.rounded(.down)
      let t = coordinate - floor
      let weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
      return weights.enumerated().map { tap, weight in
        (min(max(Int(floor) - 1 + tap, 0), input - 1), weight)
      }
    }
  }
}

/// What was made for a grid when an image of that size first came.
private final class ResizedTables: Sendable {
  private struct Table {
    /// The values it was made of: another table is made when they change.
    let source: [Float]
    let parameter: Parameter
  }
  private let tables = Mutex<[PatchGrid: Table]>([:])
  private let matrices = Mutex<[PatchGrid: [Float]]>([:])

  func table(
    _ grid: PatchGrid, of weight: Parameter, make: ([Float]) -> [Float]
  ) -> Parameter {
    tables.withLock { tables in
      if let table = tables[grid], weight.holds(table.source) { return table.parameter }
      let source = weight.values
      let values = make(source)
      let width = weight.shape.last ?? 1
      let parameter = ParameterStore().add(
        "\(weight.name).resized", shape: [values.count / width, width], values: values)
      tables[grid] = Table(source: source, parameter: parameter)
      return parameter
    }
  }

  func matrix(_ grid: PatchGrid, make: () -> [Float]) -> [Float] {
    matrices.withLock { matrices in
      if let matrix = matrices[grid] { return matrix }
      let matrix = make()
      matrices[grid] = matrix
      return matrix
    }
  }
}

extension Parameter {
  /// Whether the values are these, bit for bit.
  fileprivate func holds(_ values: [Float]) -> Bool {
    store.withValues(of: self) { own in
      values.withUnsafeBufferPointer { other in
        guard own.count == other.count, let a = own.baseAddress, let b = other.baseAddress else {
          return false
        }
        return memcmp(a, b, own.count * MemoryLayout<Float>.stride) == 0
      }
    }
  }
}
