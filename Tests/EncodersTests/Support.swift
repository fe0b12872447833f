import Encoders
import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

/// Element by element: |value − golden| ≤ absolute + relative · |golden|.
func expectClose(
  _ values: [Float], _ golden: [Float], absolute: Float, relative: Float,
  _ label: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard values.count == golden.count else {
    Issue.record(
      "\(label): \(values.count) values, not \(golden.count)", sourceLocation: sourceLocation)
    return
  }
  var worst: (excess: Float, place: Int) = (0, -1)
  for (place, (a, b)) in zip(values, golden).enumerated() {
    let excess = abs(a - b) - (absolute + relative * abs(b))
    if !(excess <= worst.excess) { worst = (excess, place) }
  }
  guard worst.place >= 0 else { return }
  Issue.record(
    "\(label)[\(worst.place)]: \(values[worst.place]), not \(golden[worst.place])",
    sourceLocation: sourceLocation)
}

/// A folder of golden values: a model and what transformers computed with it.
struct EncoderFixture {
  let url: URL
  let io: SafetensorsFile

  init(_ name: String) throws {
    url = Fixtures.folder(name)
    io = try SafetensorsFile(url.appending(path: "io.safetensors"))
  }

  var folder: ModelFolder {
    get throws { try ModelFolder(resolving: url.path, relativeTo: nil, environment: [:]) }
  }

  /// The images of `name`, `[B, C, H, W]`.
  func images(
    _ name: String, on tape: Tape, needsGradient: Bool = false
  ) throws -> ImageBatch {
    let shape = try #require(io.info(name)?.shape)
    let values = try io.floats(name)
    return ImageBatch(
      tape.tensor(
        rows: shape[0], width: shape[1] * shape[2] * shape[3], needsGradient: needsGradient
      ) { _ = $0.update(fromContentsOf: values) },
      height: shape[2], width: shape[3])
  }

  /// The README's tolerance for what models of this size give.
  func expect(
    _ values: [Float], _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    expectClose(
      values, try io.floats(name), absolute: 2e-5, relative: 1e-4, name,
      sourceLocation: sourceLocation)
  }

  /// Holds an attention's probabilities against `name`, `[B, heads, Q, K]`.
  func expect(
    _ captures: Captures?, _ attention: String, _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let blocks = try #require(
      captures?.attention[attention], "no \(attention)", sourceLocation: sourceLocation)
    try expect(blocks.flatMap(\.probabilities), name, sourceLocation: sourceLocation)
  }
}
