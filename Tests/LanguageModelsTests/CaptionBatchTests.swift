import Layers
import Tensors
import Testing

@testable import LanguageModels

@Suite struct CaptionBatchTests {
  /// Images with 0 to 3 captions, uneven visual tokens, some prompts and an empty caption.
  private let images = [
    CaptionedImage(
      visualTokens: 5, prompt: [7, 8], captions: [[1, 2, 3], [4], [9, 10, 11, 12]]),
    CaptionedImage(visualTokens: 2, captions: [[5, 6]]),
    CaptionedImage(visualTokens: 3, prompt: [3], captions: []),
    CaptionedImage(visualTokens: 4, captions: [[], [13, 14]]),
  ]

  private func model(trainable: Bool) throws -> LlamaForCausalLM {
    let model = try LlamaForCausalLM(
      .small(width: 32, layers: 3, heads: 4, feedForwardWidth: 48, vocabularySize: 20),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    model.setTrainable(trainable)
    return model
  }

  private func visual(_ images: [CaptionedImage], width: Int) -> [Float] {
    var stream = RandomKey(seed: 5).stream
    return (0..<images.reduce(0) { $0 + $1.visualTokens } * width).map { _ in stream.normal() }
  }

  @Test(arguments: [[], [19, 18]] as [[Int32]], [false, true])
  func theSharedPrefixGivesTheLossAndGradientsOfRepeatedOnes(
    opening: [Int32], trainable: Bool
  ) throws {
    let model = try model(trainable: trainable)
    let values = visual(images, width: 32)
    let count = CaptionBatch.supervisedTokens(images, opening: opening, end: 0)
    let tape = Tape()
    let tensor = tape.tensor(
      values, rows: values.count / 32, width: 32, needsGradient: true)
    let batch = CaptionBatch(images: images, opening: opening, end: 0)
    #expect(batch.supervisedTokens == count)
    let loss = model.captionLoss(
      visual: tensor, batch, scale: 1 / Float(count), in: Context(tape: tape))
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    let gradients = model.parameters.map(\.gradient)

    // Each caption with its own copy of the visual rows, one plain causal sequence after the other.
    let repeated = Tape()
    let context = Context(tape: repeated)
    let again = repeated.tensor(values, rows: values.count / 32, width: 32, needsGradient: true)
    var rows: [Tensor] = []
    var lengths: [Int] = []
    var predicting: [Int32] = []
    var targets: [Int32] = []
    var first: Int32 = 0
    for image in images {
      let own = (first..<first + Int32(image.visualTokens)).map { $0 }
      first += Int32(image.visualTokens)
      for caption in image.captions {
        let parts = [
          opening.isEmpty ? nil : model.embed(opening, in: context),
          repeated.gather(again, rows: own),
          image.prompt + caption == [] ? nil : model.embed(image.prompt + caption, in: context),
        ].compactMap { $0 }
        rows.append(
          repeated.join(
            parts, runs: parts.indices.map { RowRun(source: $0, rows: 0..<parts[$0].rows) }))
        let start = Int32(lengths.reduce(0, +) + rows[rows.count - 1].rows - caption.count - 1)
        lengths.append(rows[rows.count - 1].rows)
        for (offset, target) in (caption + [0]).enumerated() {
          predicting.append(start + Int32(offset))
          targets.append(target)
        }
      }
    }
    let packed = repeated.join(
      rows, runs: rows.indices.map { RowRun(source: $0, rows: 0..<rows[$0].rows) })
    let hidden = model.hidden(
      packed, positions: lengths.flatMap { 0..<Int32($0) },
      layout: .causal(Segments(lengths: lengths)), in: context)
    let expected = repeated.crossEntropy(
      repeated.gather(hidden, rows: predicting), head: model.headWeight, targets: targets,
      scale: 1 / Float(count))
    repeated.backward(from: expected.tensor)
    repeated.collectWeightGradients(for: model.parameters)

    #expect(abs(loss.value - expected.value) < 1e-6)
    #expect(
      excess(
        tape.gradient(of: tensor), over: repeated.gradient(of: again), absolute: 1e-7,
        relative: 1e-4) <= 0)
    if trainable {
      for (parameter, ours) in zip(model.parameters, gradients) {
        #expect(
          excess(ours, over: parameter.gradient, absolute: 1e-6, relative: 1e-4) <= 0,
          "\(parameter.name)")
      }
    }
  }

  @Test func aPrefixRowPredictsEveryFirstTokenAndIsComputedOnce() {
    let batch = CaptionBatch(images: [images[0]], opening: [19], end: 0)
    #expect(batch.rows == 1 + 5 + 2 + 3 + 1 + 4)
    #expect(batch.outputRows == [7, 8, 9, 10, 11, 12, 13, 14, 15])
    #expect(batch.predictingRows == [0, 1, 2, 3, 0, 4, 0, 5, 6, 7, 8])
    #expect(batch.targets == [1, 2, 3, 0, 4, 0, 9, 10, 11, 12, 0])
    #expect(batch.positions == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 8, 9, 10, 11])
    #expect(batch.ids == [19, 7, 8, 1, 2, 3, 4, 9, 10, 11, 12])
  }

  @Test func withoutAnEndTokenTheLastTokenIsPredictedOnly() {
    let batch = CaptionBatch(images: [images[0]], end: nil)
    #expect(batch.ids == [7, 8, 1, 2, 9, 10, 11])
    #expect(batch.targets == [1, 2, 3, 4, 9, 10, 11, 12])
    #expect(batch.predictingRows == [0, 1, 2, 0, 0, 3, 4, 5])
    #expect(CaptionBatch.supervisedTokens([images[0]], end: nil) == 8)
  }

  @Test func oneCaptionAnImageNeedsNoGather() {
    let batch = CaptionBatch(images: [images[1], images[1]], end: 0)
    #expect(batch.predictingRows == nil)
    #expect(batch.targets == [5, 6, 0, 5, 6, 0])
    #expect(batch.outputRows == [1, 2, 3, 5, 6, 7])
  }

  @Test func textWithoutAPrefixDoesNotSuperviseItsFirstToken() throws {
    let images = [CaptionedImage(visualTokens: 0, captions: [[4, 5, 6]])]
    let batch = CaptionBatch(images: images, end: 0)
    #expect(batch.targets == [5, 6, 0])
    #expect(CaptionBatch.supervisedTokens(images, end: 0) == 3)
    let loss = try model(trainable: true).captionLoss(
      visual: nil, batch, scale: 1, in: Context(tape: Tape()))
    #expect(loss.value > 0)
  }

  @Test func aCaptionAfterAPromptStartsWithASpace() {
    #expect(captionText("a dog", after: "A photo of") == " a dog")
    #expect(captionText("a dog", after: "") == "a dog")
  }

  @Test func workCountsOnlyWhatIsComputed() throws {
    let batch = CaptionBatch(images: [images[1]], end: 0)
    // Rows 0-1 prefix, 2-3 caption; rows 1, 2, 3 reach the loss.
    #expect(batch.work.rows == 4)
    #expect(batch.work.pairs == 1 + 2 + 3 + 4)
    #expect(batch.work.outputRows == 3)
    #expect(batch.work.outputPairs == 2 + 3 + 4)
    #expect(batch.work.logitRows == 3)
  }
}
