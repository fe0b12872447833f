import Foundation

/// The directions in which rows vary most, for a scatter of features in two dimensions (Pearson 1901).
///
/// Rows are centred, not scaled. Directions are the leading eigenvectors of the covariance by subspace iteration
/// with Rayleigh–Ritz (Halko, Martinsson & Tropp 2011, §4.5) in Float64, from fixed random vectors, to a residual
/// of 10⁻¹⁰ of the largest eigenvalue; where two eigenvalues agree to that, their plane is right and the directions
/// in it are any. The sign is that of scikit-learn: a direction's entry of largest magnitude is positive.
///
/// Time: 4·rows·width·(count + 8) operations a round, mostly some tens of rounds.
public struct PrincipalComponents: Sendable, Equatable {
  public let width: Int
  /// Shape `[width]`.
  public let mean: [Double]
  /// Shape `[count, width]`, orthonormal, row by row. A direction in which nothing varies is 0.
  public let directions: [Double]
  /// Variance along each direction, with n − 1 below, the largest first.
  public let variances: [Double]
  /// The share of all variance along each direction; 0 where nothing varies.
  public let shares: [Double]

  public var count: Int { variances.count }

  private static let tolerance = 1e-10
  private static let mostRounds = 1000

  /// - Parameters:
  ///   - rows: Shape `[n, width]`, row by row.
  ///   - count: Directions to find.
  /// - Precondition: `rows` holds whole rows, at least one, and finite values.
  public init(of rows: [Float], width: Int, count: Int = 2) {
    precondition(
      width > 0 && !rows.isEmpty && rows.count.isMultiple(of: width) && count > 0,
      "\(rows.count) values are no rows of \(width)")
    precondition(rows.allSatisfy(\.isFinite), "principal components need finite values")
    let n = rows.count / width
    var mean = [Double](repeating: 0, count: width)
    for (place, value) in rows.enumerated() { mean[place % width] += Double(value) / Double(n) }
    var centred = Matrix(rows: n, count: width)
    for (place, value) in rows.enumerated() {
      centred[place / width, place % width] = Double(value) - mean[place % width]
    }
    let total = centred.values.reduce(0) { $0 + $1 * $1 }
    let found = Self.leading(of: centred, count: count)
    self.width = width
    self.mean = mean
    directions = found.flatMap { Self.signed($0.direction) }
    variances = found.map { $0.value / Double(max(n - 1, 1)) }
    shares = found.map { total > 0 ? $0.value / total : 0 }
  }

  /// Where rows lie along the directions, shape `[n, count]`.
  ///
  /// - Precondition: `rows` holds whole rows of the width.
  public func coordinates(of rows: [Float]) -> [Double] {
    precondition(rows.count.isMultiple(of: width), "\(rows.count) values are no rows of \(width)")
    return (0..<rows.count / width).flatMap { row in
      (0..<count).map { direction in
        var sum = 0.0
        for column in 0..<width {
          sum +=
            (Double(rows[row * width + column]) - mean[column])
            * directions[direction * width + column]
        }
        return sum
      }
    }
  }

  /// The largest squared singular values of `data` and their right singular vectors.
  private static func leading(
    of data: Matrix, count: Int
  ) -> [(value: Double, direction: [Double])] {
    let width = data.count
    let size = min(count + 8, width)
    let random = CounterRandom(seed: 0, purpose: 0x5043_4100)
    var basis = Matrix(rows: width, count: size)
    for row in 0..<width {
      for column in 0..<size {
        let bits = random.bits(UInt64(row * size + column)) >> 11
        basis[row, column] = Double(bits) / 0x1p53 - 0.5
      }
    }
    basis.orthonormalize()
    for round in 1...mostRounds {
      let image = data.transposedTimes(data.times(basis))
      let (values, rotation) = basis.transposedTimes(image).symmetricEigen()
      let largest = max(values.first ?? 0, 0)
      let (turnedBasis, turnedImage) = (basis.times(rotation), image.times(rotation))
      let isDone = (0..<min(count, size)).allSatisfy { place in
        let residual = (0..<width).reduce(0) { sum, row in
          let rest = turnedImage[row, place] - values[place] * turnedBasis[row, place]
          return sum + rest * rest
        }
        return residual.squareRoot() <= tolerance * largest
      }
      if isDone || round == mostRounds {
        return (0..<count).map { place in
          guard place < size, values[place] > 1e-14 * largest else {
            return (0, [Double](repeating: 0, count: width))
          }
          return (values[place], (0..<width).map { turnedBasis[$0, place] })
        }
      }
      basis = turnedImage
      basis.orthonormalize()
    }
    return []
  }

  private static func signed(_ direction: [Double]) -> [Double] {
    let largest = direction.max { abs($0) < abs($1) } ?? 0
    return largest < 0 ? direction.map { -$0 } : direction
  }
}

/// A matrix, row by row.
private struct Matrix {
  let rows: Int
  let count: Int
  private(set) var values: [Double]

  init(rows: Int, count: Int) {
    self.rows = rows
    self.count = count
    values = Array(repeating: 0, count: rows * count)
  }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * count + column] }
    set { values[row * count + column] = newValue }
  }

  /// Shapes: `[r, c]` · `[c, k]` → `[r, k]`.
  func times(_ other: Matrix) -> Matrix {
    var product = Matrix(rows: rows, count: other.count)
    let (inner, width) = (count, other.count)
    product.values.withUnsafeMutableBufferPointer { out in
      values.withUnsafeBufferPointer { left in
        other.values.withUnsafeBufferPointer { right in
          for row in 0..<rows {
            for place in 0..<inner {
              let factor = left[row * inner + place]
              for column in 0..<width {
                out[row * width + column] += factor * right[place * width + column]
              }
            }
          }
        }
      }
    }
    return product
  }

  /// The transpose's product. Shapes: `[r, c]`, `[r, k]` → `[c, k]`.
  func transposedTimes(_ other: Matrix) -> Matrix {
    var product = Matrix(rows: count, count: other.count)
    let (outer, width) = (count, other.count)
    product.values.withUnsafeMutableBufferPointer { out in
      values.withUnsafeBufferPointer { left in
        other.values.withUnsafeBufferPointer { right in
          for row in 0..<rows {
            for place in 0..<outer {
              let factor = left[row * outer + place]
              for column in 0..<width {
                out[place * width + column] += factor * right[row * width + column]
              }
            }
          }
        }
      }
    }
    return product
  }

  /// Gram and Schmidt's way, twice over; a column that depends on those before it becomes 0.
  mutating func orthonormalize() {
    for column in 0..<count {
      let before = norm(column)
      for _ in 0..<2 {
        for other in 0..<column {
          let share = (0..<rows).reduce(0) { $0 + self[$1, column] * self[$1, other] }
          for row in 0..<rows { self[row, column] -= share * self[row, other] }
        }
      }
      let length = norm(column)
      let scale = length > 1e-12 * before && length > 0 ? 1 / length : 0
      for row in 0..<rows { self[row, column] *= scale }
    }
  }

  private func norm(_ column: Int) -> Double {
    (0..<rows).reduce(0) { $0 + self[$1, column] * self[$1, column] }.squareRoot()
  }

  /// Eigenvalues of a small symmetric matrix, the largest first, and its eigenvectors as columns.
  ///
  /// Source: Jacobi 1846, cyclic, after Golub & Van Loan, *Matrix Computations*, §8.5.
  func symmetricEigen() -> (values: [Double], vectors: Matrix) {
    var matrix = self
    var vectors = Matrix(rows: count, count: count)
    for place in 0..<count { vectors[place, place] = 1 }
    for _ in 0..<60 {
      var moved = false
      for p in 0..<count {
        for q in p + 1..<max(count, p + 1) {
          let off = matrix[p, q]
          guard abs(off) > 1e-17 * (abs(matrix[p, p]) + abs(matrix[q, q])) else { continue }
          moved = true
          let tau = (matrix[q, q] - matrix[p, p]) / (2 * off)
          let t = (tau >= 0 ? 1.0 : -1.0) / (abs(tau) + (1 + tau * tau).squareRoot())
          let c = 1 / (1 + t * t).squareRoot()
          matrix.rotateColumns(p, q, c, t * c)
          matrix.rotateRows(p, q, c, t * c)
          vectors.rotateColumns(p, q, c, t * c)
        }
      }
      if !moved { break }
    }
    let order = (0..<count).sorted { matrix[$0, $0] > matrix[$1, $1] }
    var sorted = vectors
    for (place, from) in order.enumerated() {
      for row in 0..<count { sorted[row, place] = vectors[row, from] }
    }
    return (order.map { matrix[$0, $0] }, sorted)
  }

  private mutating func rotateColumns(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    for row in 0..<rows {
      let (x, y) = (self[row, p], self[row, q])
      self[row, p] = c * x - s * y
      self[row, q] = s * x + c * y
    }
  }

  private mutating func rotateRows(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    for column in 0..<count {
      let (x, y) = (self[p, column], self[q, column])
      self[p, column] = c * x - s * y
      self[q, column] = s * x + c * y
    }
  }
}
