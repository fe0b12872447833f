import CKernels

extension Parameter {
  /// √(mean of x²) of the values, summed in double precision and a fixed order; 0 if there are none.
  public var rootMeanSquare: Double {
    guard count > 0 else { return 0 }
    return (dk_sum_squares(values, count) / Double(count)).squareRoot()
  }
}
