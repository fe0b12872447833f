import Layers
import Synchronization
import Tensors

/// Learned positions of a grid of patches, resized for images of other sizes.
///
/// Source: `interpolate_pos_encoding` of transformers' DINOv2, ViT, CLIP and SigLIP: torch's bicubic
/// interpolation (cubic convolution with a = −0.75, half-pixel centres, no antialiasing, taps clamped to
/// the edge). Leading rows (the class token's) stay as they are. The table itself is used only when the
/// grid is square and has its number of patches.
public struct PositionTable: Module {
  /// `[leading + side², D]`, with axes of 1 in front in some checkpoints.
  public let weight: Parameter
  private let leading: Int
  private let side: Int
  private let width: Int
  private let resized = ResizedTables()

  public var parameters: [Parameter] { [weight] }

  public init(_ weight: Parameter, leading: Int) {
    self.weight = weight
    self.leading = leading
    width = weight.shape.last ?? 1
    side = Int(Double(weight.count / width - leading).squareRoot().rounded())
  }

  /// The rows to add to the tokens of an image of `rows` × `columns` patches: `[leading + patches, D]`.
  public func table(rows: Int, columns: Int) -> Parameter {
    if rows == columns, rows * columns == side * side { return weight }
    return resized.table(rows: rows, columns: columns) { store in
      store.add(
        "\(weight.name).resized", shape: [leading + rows * columns, width],
        values: interpolated(rows: rows, columns: columns))
    }
  }

  private func interpolated(rows: Int, columns: Int) -> [Float] {
    let source = weight.values
    let vertical = Self.taps(from: side, to: rows)
    let horizontal = Self.taps(from: side, to: columns)
    var result = Array(source[..<(leading * width)])
    result.reserveCapacity((leading + rows * columns) * width)
    var sums = [Double](repeating: 0, count: width)
    for v in vertical {
      for h in horizontal {
        for index in sums.indices { sums[index] = 0 }
        for (row, a) in v {
          for (column, b) in h {
            let start = (leading + row * side + column) * width
            for index in 0..<width { sums[index] += a * b * Double(source[start + index]) }
          }
        }
        result.append(contentsOf: sums.map { Float($0) })
      }
    }
    return result
  }

  /// For each output coordinate the four source indices and weights.
  private static func taps(from input: Int, to output: Int) -> [[(index: Int, weight: Double)]] {
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

/// Resized tables by grid, made when an image of that size first comes.
private final class ResizedTables: Sendable {
  private let tables = Mutex<[[Int]: Parameter]>([:])

  func table(rows: Int, columns: Int, make: (ParameterStore) -> Parameter) -> Parameter {
    tables.withLock { tables in
      if let table = tables[[rows, columns]] { return table }
      let table = make(ParameterStore())
      tables[[rows, columns]] = table
      return table
    }
  }
}
