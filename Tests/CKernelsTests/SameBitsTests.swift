import CKernels
import Testing

/// A result depends on its row alone: not on its place in the batch, in memory or in a vector.
@Suite struct SameBitsTests {
  typealias Pointer = UnsafePointer<Float>
  typealias MutablePointer = UnsafeMutablePointer<Float>

  /// A kernel on rows of `width`: input, output, rows.
  struct RowKernel: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let run: @Sendable (Pointer, MutablePointer, Int, Int) -> Void
  }

  static let rowKernels = [
    RowKernel(testDescription: "layer norm") { x, y, rows, width in
      var (mean, rstd) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      dk_layer_norm(x, nil, nil, 1e-5, y, &mean, &rstd, rows, width)
    },
    RowKernel(testDescription: "layer norm backward") { x, y, rows, width in
      let (mean, rstd) = ([Float](repeating: 0.1, count: rows), [Float](repeating: 2, count: rows))
      dk_layer_norm_backward(x, nil, mean, rstd, x, y, nil, nil, rows, width, 0)
    },
    RowKernel(testDescription: "RMS norm") { x, y, rows, width in
      var rstd = [Float](repeating: 0, count: rows)
      dk_rms_norm(x, noise(width, seed: 90), 1e-5, y, &rstd, rows, width)
    },
    RowKernel(testDescription: "RMS norm backward") { x, y, rows, width in
      let rstd = [Float](repeating: 2, count: rows)
      dk_rms_norm_backward(x, noise(width, seed: 91), rstd, x, y, nil, rows, width, 0)
    },
    RowKernel(testDescription: "L2") { x, y, rows, width in
      var norms = [Float](repeating: 0, count: rows)
      dk_l2_normalize(x, 1e-6, y, &norms, rows, width)
    },
    RowKernel(testDescription: "softmax") { x, y, rows, width in
      dk_copy(x, y, rows * width, 0)
      dk_softmax_tile(y, rows, width, width, nil, 0.3, nil)
    },
    RowKernel(testDescription: "cross-entropy") { x, y, rows, width in
      dk_copy(x, y, rows * width, 0)
      for r in 0..<rows { _ = dk_cross_entropy_row(y + r * width, width, 0, 1, 1) }
    },
    RowKernel(testDescription: "row dots") { x, y, rows, width in
      for r in 0..<rows { dk_fill(y + r * width, 0, width) }
      var dots = [Float](repeating: 0, count: rows)
      dk_row_dots(x, width, x, width, &dots, rows, width)
      for r in 0..<rows { y[r * width] = dots[r] }
    },
    RowKernel(testDescription: "sums") { x, y, rows, width in
      for r in 0..<rows {
        let sums = [dk_sum(x + r * width, width), dk_sum_squares(x + r * width, width)]
        dk_fill(y + r * width, 0, width)
        for (i, sum) in sums.enumerated() { y[r * width + i] = Float(sum) }
      }
    },
  ]

  @Test(arguments: rowKernels, [5, 8, 29, 300])
  func rowsDoNotSeeTheirPlace(kernel: RowKernel, width: Int) {
    let rows = 6
    let x = noise(rows * width, seed: 92, scale: 4)
    let together = output(x.count) { kernel.run(x, $0, rows, width) }
    for r in 0..<rows {
      let row = Array(x[r * width..<(r + 1) * width])
      for offset in 0..<8 {
        var alone: [Float] = []
        _ = onCopy(of: row, offset: offset) { x in
          alone = output(width, offset: 7 - offset) { kernel.run(x, $0, 1, width) }
        }
        expectSameBits(alone, Array(together[r * width..<(r + 1) * width]), "row \(r)")
      }
    }
  }

  @Test(arguments: Activation.allCases) func elementsDoNotSeeTheirLane(activation: Activation) {
    let x = noise(45, seed: 93, scale: 5)
    let together = output(x.count) { dk_activation(activation.kind, x, $0, x.count) }
    let slopes = output(x.count) {
      dk_activation_backward(activation.kind, x, x, $0, x.count, 0)
    }
    for i in x.indices {
      expectSameBits(output(1) { dk_activation(activation.kind, [x[i]], $0, 1) }, [together[i]])
      expectSameBits(
        output(1) { dk_activation_backward(activation.kind, [x[i]], [x[i]], $0, 1, 0) }, [slopes[i]]
      )
    }
  }

  @Test func optimiserElementsDoNotSeeTheirLane() {
    let start = noise(21, seed: 94)
    let gradient = noise(21, seed: 95)
    let update = { (p: [Float], g: [Float]) -> [Float] in
      var (m, v) = (g, g.map { $0 * $0 })
      return onCopy(of: p) {
        dk_adamw($0, g, &m, &v, p.count, 0.3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5, 0.2)
      }
    }
    let together = update(start, gradient)
    for i in start.indices {
      expectSameBits(update([start[i]], [gradient[i]]), [together[i]])
    }
  }
}
