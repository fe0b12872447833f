import Tensors

/// What the machine multiplies a second, measured beside a benchmark: on a shared machine no other number
/// tells how much of it was there.
struct ProductRate {
  /// Rows, inputs and outputs of `x Wᵀ`, one product a thread at a time.
  let rows: Int
  let inputs: Int
  let outputs: Int
  var precision = ComputePrecision.float32

  /// Multiplications and additions a second of all threads together, over about `seconds`.
  func measure(threads: Int, seconds: Double = 0.5) -> Double {
    let store = ParameterStore(matrices: precision)
    let weight = store.add("weight", shape: [outputs, inputs]) { $0.update(repeating: 0.5) }
    let executor = LaneExecutor(threads: threads)
    let pool = BufferPool()
    let (rows, inputs) = (rows, inputs)
    @Sendable func multiply(repetitions: Int) {
      executor.run(count: threads) { _ in
        let tape = Tape(pool: pool, recordsGradients: false)
        let input = tape.tensor(rows: rows, width: inputs) { $0.update(repeating: 0.25) }
        for _ in 0..<repetitions {
          _ = tape.scoped { tape.linear(input, weight) }
        }
      }
    }
    multiply(repetitions: 1)
    let trial = Stopwatch()
    multiply(repetitions: 2)
    let repetitions = max(2, Int(2 * seconds / max(trial.seconds, 1e-6)))
    let watch = Stopwatch()
    multiply(repetitions: repetitions)
    return 2 * Double(rows * inputs * outputs) * Double(repetitions * threads) / watch.seconds
  }
}
