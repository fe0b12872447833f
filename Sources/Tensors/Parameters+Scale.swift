import CKernels

extension Parameter {
  /// √(mean of x²) of the values, summed in double precision and a fixed order; 0 if there are none.
  public var rootMeanSquare: Double {
    store.withValues(of: self) { values in
      guard let base = values.baseAddress, !values.isEmpty else { return 0 }
      return (dk_sum_squares(base, values.count) / Double(values.count)).squareRoot()
    }
  }
}
