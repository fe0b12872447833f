import CKernels
import Testing

/// A result depends on its row alone: not on its place in the batch, in memory or in a vector.
@Suite struct SameBitsTests {
  typealias Pointer = UnsafePointer<Float>
  typealias MutablePointer = UnsafeMutablePointer<Float>

  /// A kernel in one form on rows of `width`: form, input, output, rows.
  struct RowKernel: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let run: @Sendable (Int32, Pointer, MutablePointer, Int, Int) -> Void
  }

  /// Forms of the kernels that have none for bfloat16 alone.
  static let forms = (0..<dk_form_count()).filter { dk_fill_form($0) != nil }

  static let rowKernels = [
    RowKernel(testDescription: "layer norm") { form, x, y, rows, width in
      var (mean, rstd) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      dk_layer_norm_form(form)(x, nil, nil, 1e-5, y, &mean, &rstd, rows, width)
    },
    RowKernel(testDescription: "layer norm backward") { form, x, y, rows, width in
      let (mean, rstd) = ([Float](repeating: 0.1, count: rows), [Float](repeating: 2, count: rows))
      dk_layer_norm_backward_form(form)(x, nil, mean, rstd, x, y, nil, nil, rows, width, 0)
    },
    RowKernel(testDescription: "RMS norm") { form, x, y, rows, width in
      var rstd = [Float](repeating: 0, count: rows)
      dk_rms_norm_form(form)(x, noise(width, seed: 90), 1e-5, y, &rstd, rows, width)
    },
    RowKernel(testDescription: "RMS norm backward") { form, x, y, rows, width in
      let rstd = [Float](repeating: 2, count: rows)
      dk_rms_norm_backward_form(form)(x, noise(width, seed: 91), rstd, x, y, nil, rows, width, 0)
    },
    RowKernel(testDescription: "L2") { form, x, y, rows, width in
      var norms = [Float](repeating: 0, count: rows)
      dk_l2_normalize_form(form)(x, 1e-6, y, &norms, rows, width)
    },
    RowKernel(testDescription: "softmax") { form, x, y, rows, width in
      dk_copy(x, y, rows * width, 0)
      dk_softmax_tile_form(form)(y, rows, width, width, nil, 0.3, nil)
    },
    RowKernel(testDescription: "cross-entropy") { form, x, y, rows, width in
      dk_copy(x, y, rows * width, 0)
      for r in 0..<rows { _ = dk_cross_entropy_row_form(form)(y + r * width, width, 0, 1, 1) }
    },
    RowKernel(testDescription: "row dots") { form, x, y, rows, width in
      for r in 0..<rows { dk_fill(y + r * width, 0, width) }
      var dots = [Float](repeating: 0, count: rows)
      dk_row_dots_form(form)(x, width, x, width, &dots, rows, width)
      for r in 0..<rows { y[r * width] = dots[r] }
    },
    RowKernel(testDescription: "sums") { form, x, y, rows, width in
      for r in 0..<rows {
        let sums = [
          dk_sum_form(form)(x + r * width, width), dk_sum_squares_form(form)(x + r * width, width),
        ]
        dk_fill(y + r * width, 0, width)
        for (i, sum) in sums.enumerated() { y[r * width + i] = Float(sum) }
      }
    },
  ]

  @Test(arguments: rowKernels, [5, 8, 29, 300])
  func rowsDoNotSeeTheirPlace(kernel: RowKernel, width: Int) {
    let rows = 6
    let x = noise(rows * width, seed: 92, scale: 4)
    for form in Self.forms {
      let together = output(x.count) { kernel.run(form, x, $0, rows, width) }
      for r in 0..<rows {
        let row = Array(x[r * width..<(r + 1) * width])
        for offset in 0..<16 {
          var alone: [Float] = []
          _ = onCopy(of: row, offset: offset) { x in
            alone = output(width, offset: 15 - offset) { kernel.run(form, x, $0, 1, width) }
          }
          expectSameBits(
            alone, Array(together[r * width..<(r + 1) * width]), "form \(form), row \(r)")
        }
      }
    }
  }

  @Test(arguments: Activation.allCases, forms)
  func elementsDoNotSeeTheirLane(activation: Activation, form: Int32) throws {
    let value = try #require(dk_activation_form(form))
    let slope = try #require(dk_activation_backward_form(form))
    let kind = activation.kind
    let x = noise(45, seed: 93, scale: 5)
    let together = output(x.count) { value(kind, x, $0, x.count) }
    let slopes = output(x.count) { slope(kind, x, x, $0, x.count, 0) }
    for i in x.indices {
      expectSameBits(output(1) { value(kind, [x[i]], $0, 1) }, [together[i]])
      expectSameBits(output(1) { slope(kind, [x[i]], [x[i]], $0, 1, 0) }, [slopes[i]])
    }
  }

  @Test(arguments: forms) func optimiserElementsDoNotSeeTheirLane(form: Int32) throws {
    let kernel = try #require(dk_adamw_form(form))
    let start = noise(37, seed: 94)
    let gradient = noise(37, seed: 95)
    let update = { (p: [Float], g: [Float]) -> [Float] in
      var (m, v) = (g, g.map { $0 * $0 })
      return onCopy(of: p) {
        kernel($0, g, &m, &v, p.count, 0.3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5, 0.2)
      }
    }
    let together = update(start, gradient)
    for i in start.indices {
      expectSameBits(update([start[i]], [gradient[i]]), [together[i]])
    }
  }
}
