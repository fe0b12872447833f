import CKernels

/// Sums the gradients of several batches, where one update is made of them.
public final class GradientSum {
  private let parameters: [Parameter]
  private var sums: [[Float]]

  public init(of parameters: [Parameter]) {
    self.parameters = parameters
    sums = parameters.map { [Float](repeating: 0, count: $0.count) }
  }

  /// Adds `factor` times the weights' gradients.
  public func add(times factor: Float) {
    for (index, parameter) in parameters.enumerated() {
      guard let gradient = parameter.store.gradientBase(of: parameter) else { continue }
      for element in 0..<parameter.count { sums[index][element] += factor * gradient[element] }
    }
  }

  /// Puts the sums where the gradients are.
  public func store() {
    for (sum, parameter) in zip(sums, parameters) {
      guard let gradient = parameter.store.gradientBase(of: parameter) else { continue }
      sum.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        gradient.update(from: base, count: parameter.count)
      }
    }
  }
}
