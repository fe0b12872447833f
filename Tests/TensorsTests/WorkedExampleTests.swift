import Foundation
import Tensors
import Testing

/// The numbers that source system S2 works out by hand.
@Suite struct WorkedExampleTests {
  /// Probabilities .7, .4 and .6 of the right tokens: .357, .916, .511, together 1.784.
  @Test func nextTokenLoss() {
    let probabilities: [Float] = [0.7, 0.4, 0.6]
    let store = ParameterStore()
    let head = store.add("head", shape: [2, 2], values: [1, 0, 0, 1])
    func loss(_ rows: Range<Int>) -> Double {
      let tape = Tape(recordsGradients: false)
      // Under the identity as the head, logits are the logarithms of what softmax gives.
      let logits = probabilities[rows].flatMap { [log($0), log(1 - $0)] }
      let hidden = tape.tensor(logits, rows: rows.count, width: 2)
      return tape.crossEntropy(
        hidden, head: head, targets: Array(repeating: 0, count: rows.count), scale: 1
      ).value
    }
    for (row, wanted) in [0.357, 0.916, 0.511].enumerated() {
      #expect(abs(loss(row..<row + 1) - wanted) < 0.0005)
    }
    // −ln(.7 · .4 · .6); the terms, each rounded to three digits, add up to 1.784.
    #expect(abs(loss(0..<3) - 1.784) < 0.001)
    #expect(abs(loss(0..<3) + log(0.168)) < 1e-6)
  }
}
