import Foundation
import Layers
import Storage
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

/// Raw rows that learn, scaled to unit length; a caption is the number of its row.
private struct TablePair: EmbeddingPair {
  let imageRows: Parameter
  let textRows: Parameter
  let logScale: Parameter

  var parameters: [Parameter] { [imageRows, textRows, logScale] }

  init(images: [Float], texts: [Float], shape: [Int], logScale: Float) {
    let store = ParameterStore()
    imageRows = store.add("images", shape: shape) { _ = $0.update(fromContentsOf: images) }
    textRows = store.add("texts", shape: shape) { _ = $0.update(fromContentsOf: texts) }
    self.logScale = store.add("log_scale", shape: [1]) { $0[0] = logScale }
    store.setTrainable(parameters, true)
  }

  init() {
    func noise(_ name: String) -> [Float] {
      var values = [Float](repeating: 0, count: 60)
      values.withUnsafeMutableBufferPointer {
        RandomStream.fillNormal($0, key: RandomKey(seed: 1).named(name), deviation: 1)
      }
      return values
    }
    self.init(images: noise("a"), texts: noise("b"), shape: [12, 5], logScale: 1)
  }

  func images(_ samples: [Int], in context: Context) -> Tensor {
    let rows = context.tape.embedding(imageRows, ids: samples.map(Int32.init))
    return context.tape.normalize(rows)
  }

  func texts(_ captions: [[Int32]], in context: Context) -> Tensor {
    context.tape.normalize(context.tape.embedding(textRows, ids: captions.flatMap { $0 }))
  }
}

/// Writes down which captions were embedded.
private final class CaptionRecorder: EmbeddingPair {
  private let inner = TablePair()
  private let recorded = Mutex<[[Int32]]>([])

  var captions: [[Int32]] { recorded.withLock { $0 } }
  var logScale: Parameter { inner.logScale }
  func images(_ samples: [Int], in context: Context) -> Tensor {
    inner.images(samples, in: context)
  }
  func texts(_ captions: [[Int32]], in context: Context) -> Tensor {
    recorded.withLock { $0 += captions }
    return inner.texts(captions, in: context)
  }
}

/// Against PyTorch; tolerances are the fixture's.
@Suite struct ContrastiveObjectiveParityTests {
  private let io: SafetensorsFile

  init() throws {
    io = try SafetensorsFile(Fixtures.folder("infonce").appending(path: "io.safetensors"))
  }

  @Test(arguments: ["plain", "duplicates", "sharp", "flat"])
  func embeddingsAndLogits(name: String) throws {
    let pair = try pair(name)
    let batch = pair.imageRows.shape[0]
    let context = Context(tape: Tape(recordsGradients: false))
    let images = pair.images(Array(0..<batch), in: context)
    let texts = pair.texts((0..<batch).map { [Int32($0)] }, in: context)
    let scale = exp(pair.logScale.values[0])
    let logits = context.tape.product(images, transposed: texts, scale: scale)
    for (found, golden) in [(images, "image_embeds"), (texts, "text_embeds")] {
      expectClose(
        context.tape.values(found), try io.floats("\(name).\(golden)"), absolute: 1e-6,
        relative: 1e-5, golden)
    }
    expectClose(
      context.tape.values(logits), try io.floats("\(name).logits"), absolute: 1e-6 * scale,
      relative: 1e-5, "logits")
  }

  @Test(arguments: ["plain", "duplicates", "sharp", "flat"], [1, 3, 8])
  func lossAndGradients(name: String, lanes: Int) throws {
    let pair = try pair(name)
    let batch = Array(0..<pair.imageRows.shape[0])
    let objective = ContrastiveObjective(pair: pair, captions: batch.map { [[Int32($0)]] })
    let loss = try objective.gradients(
      of: batch, for: pair.parameters, draw: RandomKey(seed: 0), update: RandomKey(seed: 0),
      lanes: Lanes(count: lanes, threads: 2))
    let golden = try io.floats("\(name).loss")[0]
    #expect(abs(Float(loss) - golden) <= 1e-5)
    for parameter in pair.parameters {
      expectClose(
        parameter.gradient, try io.floats("\(name).grad.\(parameter.name)"), absolute: 2e-5,
        relative: 1e-3, parameter.name)
    }
    let context = Context(tape: Tape(recordsGradients: false))
    let plain = try objective.loss(
      of: batch, draw: RandomKey(seed: 0), scale: 1 / Float(batch.count), in: context)
    #expect(abs(Float(plain.value) - golden) <= 1e-5)
  }

  private func pair(_ name: String) throws -> TablePair {
    TablePair(
      images: try io.floats("\(name).images"), texts: try io.floats("\(name).texts"),
      shape: try #require(io.info("\(name).images")?.shape),
      logScale: try io.floats("\(name).log_scale")[0])
  }
}

@Suite struct ContrastiveObjectiveTests {
  private let captions = (0..<12).map { [[Int32($0)]] }

  private func gradients(
    _ pair: TablePair, lanes: Int, threads: Int
  ) throws -> (loss: Double, gradients: [[Float]]) {
    let loss = try ContrastiveObjective(pair: pair, captions: captions).gradients(
      of: Array(0..<12), for: pair.parameters, draw: RandomKey(seed: 0),
      update: RandomKey(seed: 0), lanes: Lanes(count: lanes, threads: threads))
    return (loss, pair.parameters.map(\.gradient))
  }

  @Test func laneCountChangesRoundingOnly() throws {
    let pair = TablePair()
    let whole = try gradients(pair, lanes: 1, threads: 1)
    for lanes in [5, 12, 31] {
      let found = try gradients(pair, lanes: lanes, threads: 2)
      #expect(abs(found.loss - whole.loss) < 1e-6 * whole.loss)
      for (a, b) in zip(found.gradients, whole.gradients) {
        expectClose(a, b, absolute: 2e-6, relative: 1e-4)
      }
    }
  }

  @Test func threadsDoNotChangeBits() throws {
    let pair = TablePair()
    let one = try gradients(pair, lanes: 5, threads: 1)
    let two = try gradients(pair, lanes: 5, threads: 2)
    #expect(one.loss == two.loss)
    #expect(one.gradients == two.gradients)
  }

  @Test func scaleIsHeldToAHundredAfterAnUpdate() {
    let pair = TablePair()
    let objective = ContrastiveObjective(pair: pair, captions: captions)
    objective.afterUpdate()
    #expect(pair.logScale.values == [1], "what is below stays as it is")
    pair.logScale.assign([7])
    objective.afterUpdate()
    #expect(pair.logScale.values == [Float(log(100.0))])
  }

  @Test func aCaptionIsDrawnByPassAndSampleAlone() throws {
    let draw = RandomKey(seed: 4)
    // Sample s has captions 4 s, 4 s + 1, …
    let captions = (0..<3).map { sample in (0..<4).map { [Int32(4 * sample + $0)] } }
    func drawn(_ samples: [Int], _ draw: RandomKey, lanes: Int? = nil) throws -> [[Int32]] {
      let pair = CaptionRecorder()
      let objective = ContrastiveObjective(pair: pair, captions: captions)
      if let lanes {
        _ = try objective.gradients(
          of: samples, for: [], draw: draw, update: RandomKey(seed: 9),
          lanes: Lanes(count: lanes, threads: 1))
      } else {
        let context = Context(tape: Tape(recordsGradients: false))
        _ = try objective.loss(of: samples, draw: draw, scale: 1, in: context)
      }
      return pair.captions
    }
    let all = try drawn([0, 1, 2], draw)
    #expect(all.enumerated().allSatisfy { captions[$0].contains($1) })
    #expect(try drawn([2, 0], draw) == [all[2], all[0]])
    #expect(try drawn([0, 1, 2], draw, lanes: 2) == all)
    let seen = try Set((0..<50).flatMap { try drawn([1], draw.numbered($0)) })
    #expect(seen == Set(captions[1]))
  }
}

/// Element by element: |value − golden| ≤ absolute + relative · |golden|.
func expectClose(
  _ values: [Float], _ golden: [Float], absolute: Float, relative: Float, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(values.count == golden.count, "\(label)", sourceLocation: sourceLocation)
  for (place, (a, b)) in zip(values, golden).enumerated() {
    let isClose = abs(a - b) <= absolute + relative * abs(b)
    guard !isClose else { continue }
    Issue.record("\(label)[\(place)]: \(a), not \(b)", sourceLocation: sourceLocation)
    return
  }
}
