/// Small summaries of several results.
public enum Summaries {
  /// Holm's correction (Holm 1979) of p-values that are judged together, in the given order.
  public static func holm(_ p: [Double]) -> [Double] {
    var result = p
    var largest = 0.0
    for (rank, index) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
      largest = max(largest, min(1, p[index] * Double(p.count - rank)))
      result[index] = largest
    }
    return result
  }

  /// Mean and sample standard deviation (n − 1) of values over seeds; the deviation of one value is 0.
  public static func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
    guard !values.isEmpty else { return (.nan, .nan) }
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return (mean, 0) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }
}
