import Encoders
import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@Suite struct Dinov2ParityTests {
  @Test(arguments: ["own", "resized"])
  func tinyModelGivesTransformersHiddenStates(size: String) throws {
    let url = Fixtures.folder("dinov2-tiny")
    let store = ParameterStore()
    let model = try Dinov2Model(
      try ModelFolder(resolving: url.path, relativeTo: nil, environment: [:]), store: store,
      executor: LaneExecutor(threads: 1))
    let io = try SafetensorsFile(url.appending(path: "io.safetensors"))
    let tape = Tape()
    tape.captures = Captures()
    let context = Context(tape: tape)
    let shape = try #require(io.info("\(size).pixel_values")?.shape)
    let pixels = tape.tensor(
      try io.floats("\(size).pixel_values"), rows: shape[0], width: shape[1] * shape[2] * shape[3])
    let images = ImageBatch(pixels, height: shape[2], width: shape[3])
    for depth in 0...model.layerCount {
      let states = model.hidden(images, depth: depth, finalNorm: false, in: context)
      expectClose(
        tape.values(states.tensor), try io.floats("\(size).hidden_states.\(depth)"),
        absolute: 2e-5, relative: 1e-4)
    }
    let last = model.features(images, layer: .last, classToken: true, in: context)
    expectClose(
      tape.values(last.tensor), try io.floats("\(size).last_hidden_state"), absolute: 2e-5,
      relative: 1e-4)
    for layer in 0..<model.layerCount {
      let blocks = try #require(tape.captures?.attention["encoder.layer.\(layer).attention"])
      expectClose(
        blocks.flatMap(\.probabilities), try io.floats("\(size).attentions.\(layer)"),
        absolute: 2e-5, relative: 1e-4)
    }
  }
}

/// Element by element, with the fixture's tolerance.
func expectClose(
  _ values: [Float], _ golden: [Float], absolute: Float, relative: Float,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(values.count == golden.count, sourceLocation: sourceLocation)
  var worst: Float = 0
  var place = 0
  for (index, (a, b)) in zip(values, golden).enumerated() {
    let excess = abs(a - b) - (absolute + relative * abs(b))
    if !(excess <= worst) { (worst, place) = (excess, index) }
  }
  #expect(
    worst <= 0,
    "element \(place): \(values[place]) for \(golden[place])", sourceLocation: sourceLocation)
}
