import Layers
import Tensors
import Testing

@testable import LanguageModels

/// The packing of samples, and what it does to the numbers: nothing.
@Suite struct SequenceBatchTests {
  /// A picture with captions: `[opening][visual tokens][prompt]`, then a branch a caption.
  private static func captions(
    opening: [Int32] = [], prompt: [Int32] = [], _ captions: [[Int32]], isWhole: Bool = true
  ) -> SequenceSample {
    SequenceSample(
      media: [0], prefix: [.text(opening), .visual(0), .text(prompt)],
      branches: captions.map { [.answer($0, isWhole: isWhole)] })
  }

  /// Pictures with 0 to 3 captions, uneven visual tokens, some prompts and an empty caption.
  private static func captioned(opening: [Int32] = []) -> Batch {
    Batch(
      samples: [
        captions(opening: opening, prompt: [7, 8], [[1, 2, 3], [4], [9, 10, 11, 12]]),
        captions(opening: opening, [[5, 6]]),
        captions(opening: opening, prompt: [3], []),
        captions(opening: opening, [[], [13, 14]]),
      ], visualTokens: [5, 2, 3, 4])
  }

  struct Batch: CustomTestStringConvertible {
    var testDescription: String { "\(samples.count) samples" }
    let samples: [SequenceSample]
    let visualTokens: [Int]
    let end: Int32 = 0

    var packed: SequenceBatch { SequenceBatch(samples, visualTokens: visualTokens, end: end) }
    var supervisedTokens: Int {
      samples.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) }
    }
  }

  /// Captions with and without a begin token, and what only pieces can say: questions that branch off one
  /// picture, turns of a dialogue, one picture in two places and in a branch, answers that were cut, text
  /// without a prefix, branches of which some start with their answer.
  static let batches: [Batch] = [
    captioned(), captioned(opening: [19, 18]),
    Batch(
      samples: [
        SequenceSample(
          media: [0, 1], prefix: [.text([19]), .visual(1), .text([4]), .visual(0)],
          branches: [
            [.text([5, 6]), .answer([7, 8])],
            [.answer([9]), .text([10, 11]), .answer([12, 13], isWhole: false), .text([1])],
            [.text([2]), .visual(1), .text([3]), .answer([4, 5]), .visual(0), .answer([6])],
            [.text([2, 3])], [.answer([], isWhole: false)], [.answer([])],
          ]),
        SequenceSample(
          media: [], prefix: [], branches: [[.answer([1, 2]), .answer([3]), .text([9])]]),
        SequenceSample(
          media: [0], prefix: [],
          branches: [[.visual(0), .answer([1])], [.answer([2, 3]), .visual(0), .answer([4])]]),
      ], visualTokens: [3, 2, 4]),
  ]

  private func model(trainable: Bool) throws -> LlamaForCausalLM {
    let model = try LlamaForCausalLM(
      .small(width: 32, layers: 3, heads: 4, feedForwardWidth: 48, vocabularySize: 20),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    model.setTrainable(trainable)
    return model
  }

  private func visual(_ batch: Batch, on tape: Tape) -> Tensor {
    var stream = RandomKey(seed: 5).stream
    let rows = batch.visualTokens.reduce(0, +)
    return tape.tensor(
      (0..<rows * 32).map { _ in stream.normal() }, rows: rows, width: 32, needsGradient: true)
  }

  /// The plain form: each branch with its own copy of the prefix, one causal sequence after the other, all
  /// rows computed. Returns the hidden states that predict the supervised tokens, and these.
  private func repeated(
    _ batch: Batch, visual: Tensor, by model: LlamaForCausalLM, in context: Context
  ) -> (hidden: Tensor, targets: [Int32], branches: [Int]) {
    let tape = context.tape
    var sequences: [Tensor] = []
    var predicting: [Int32] = []
    var targets: [Int32] = []
    var branches: [Int] = []
    var medium = 0
    for sample in batch.samples {
      let starts = sample.media.indices.map { batch.visualTokens[..<(medium + $0)].reduce(0, +) }
      for branch in sample.branches {
        let first = Int32(sequences.reduce(0) { $0 + $1.rows })
        var parts: [Tensor] = []
        var rows: Int32 = 0
        var taught = 0
        for piece in sample.prefix + branch {
          var ids: [Int32] = []
          switch piece {
          case .visual(let index):
            let length = batch.visualTokens[medium + index]
            let own = (starts[index]..<starts[index] + length).map { Int32($0) }
            parts.append(tape.gather(visual, rows: own))
            rows += Int32(length)
          case .text(let text): ids = text
          case .answer(let answer, let isWhole):
            ids = isWhole ? answer + [batch.end] : answer
            for (offset, id) in ids.enumerated() where rows + Int32(offset) > 0 {
              predicting.append(first + rows + Int32(offset) - 1)
              targets.append(id)
              taught += 1
            }
          }
          if !ids.isEmpty { parts.append(model.embed(ids, in: context)) }
          rows += Int32(ids.count)
        }
        branches.append(taught)
        sequences.append(
          tape.join(
            parts, runs: parts.indices.map { RowRun(source: $0, rows: 0..<parts[$0].rows) }))
      }
      medium += sample.media.count
    }
    let lengths = sequences.map(\.rows)
    let hidden = model.hidden(
      tape.join(
        sequences, runs: lengths.indices.map { RowRun(source: $0, rows: 0..<lengths[$0]) }),
      positions: lengths.flatMap { 0..<Int32($0) }, layout: .causal(Segments(lengths: lengths)),
      in: context)
    return (tape.gather(hidden, rows: predicting), targets, branches)
  }

  @Test(arguments: batches, [false, true])
  func theSharedPrefixGivesTheLossAndGradientsOfRepeatedOnes(
    batch: Batch, trainable: Bool
  ) throws {
    let model = try model(trainable: trainable)
    let count = batch.supervisedTokens
    let tape = Tape()
    let tensor = visual(batch, on: tape)
    let packed = batch.packed
    #expect(packed.supervisedTokens == count)
    let loss = model.answerLoss(
      visual: tensor, packed, scale: 1 / Float(count), in: Context(tape: tape))
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    let gradients = model.parameters.map(\.gradient)

    let plain = Tape()
    let context = Context(tape: plain)
    let again = visual(batch, on: plain)
    let (hidden, targets, _) = repeated(batch, visual: again, by: model, in: context)
    #expect(packed.targets == targets)
    let expected = plain.crossEntropy(
      hidden, head: model.headWeight, targets: targets, scale: 1 / Float(count))
    plain.backward(from: expected.tensor)
    plain.collectWeightGradients(for: model.parameters)

    #expect(abs(loss.value - expected.value) < 1e-6)
    #expect(
      excess(
        tape.gradient(of: tensor), over: plain.gradient(of: again), absolute: 1e-7,
        relative: 1e-4) <= 0)
    if trainable {
      for (parameter, ours) in zip(model.parameters, gradients) {
        #expect(
          excess(ours, over: parameter.gradient, absolute: 1e-6, relative: 1e-4) <= 0,
          "\(parameter.name)")
      }
    }
  }

  @Test(arguments: batches)
  func aBranchsLikelihoodIsThatOfItsOwnSequence(batch: Batch) throws {
    let model = try model(trainable: false)
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let tensor = visual(batch, on: tape)
    let ours = model.logLikelihoods(visual: tensor, batch.packed, in: context)
    let (hidden, targets, tokens) = repeated(batch, visual: tensor, by: model, in: context)
    #expect(ours.map(\.count) == batch.samples.map(\.branches.count))
    #expect(ours.flatMap { $0 }.map(\.tokens) == tokens)
    var first: Int32 = 0
    for (branch, count) in zip(ours.flatMap({ $0 }), tokens) {
      let rows = Array(first..<first + Int32(count))
      first += Int32(count)
      guard count > 0 else {
        #expect(branch.logLikelihood == 0)
        continue
      }
      let alone = tape.crossEntropy(
        tape.gather(hidden, rows: rows), head: model.headWeight,
        targets: rows.map { targets[Int($0)] }, scale: 1)
      #expect(abs(branch.logLikelihood + alone.value) < 1e-5)
    }
  }

  @Test(arguments: batches)
  func theLongestSequenceIsThatOfTheRowsComputed(batch: Batch) {
    var medium = 0
    for sample in batch.samples {
      let tokens = Array(batch.visualTokens[medium..<medium + sample.media.count])
      medium += sample.media.count
      let alone = SequenceBatch([sample], visualTokens: tokens, end: 0)
      #expect(
        sample.longestSequence(visualTokens: tokens) == Int((alone.positions.max() ?? -1) + 1))
    }
  }

  @Test func aPrefixRowPredictsEveryFirstTokenAndIsComputedOnce() {
    let sample = Self.captions(
      opening: [19], prompt: [7, 8], [[1, 2, 3], [4], [9, 10, 11, 12]])
    let batch = SequenceBatch([sample], visualTokens: [5], end: 0)
    #expect(batch.rows == 1 + 5 + 2 + 3 + 1 + 4)
    #expect(batch.outputRows == [7, 8, 9, 10, 11, 12, 13, 14, 15])
    #expect(batch.predictingRows == [0, 1, 2, 3, 0, 4, 0, 5, 6, 7, 8])
    #expect(batch.targets == [1, 2, 3, 0, 4, 0, 9, 10, 11, 12, 0])
    #expect(batch.positions == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 8, 9, 10, 11])
    #expect(batch.ids == [19, 7, 8, 1, 2, 3, 4, 9, 10, 11, 12])
    #expect(
      batch.runs.map(\.source) == [1, 0, 1]
        && batch.runs.map(\.rows) == [0..<1, 0..<5, 1..<11])
    #expect(
      batch.layout.blocks == [
        AttentionBlock(queries: 0..<8, own: 0..<8, visible: 1),
        AttentionBlock(queries: 8..<11, shared: 0..<8, own: 8..<11, visible: 1),
        AttentionBlock(queries: 11..<12, shared: 0..<8, own: 11..<12, visible: 1),
        AttentionBlock(queries: 12..<16, shared: 0..<8, own: 12..<16, visible: 1),
      ])
    #expect(batch.branchTargets == [[0..<4, 4..<6, 6..<11]])
  }

  @Test func anAnswerThatWasCutIsNotTaughtItsEnd() {
    let sample = Self.captions(
      prompt: [7, 8], [[1, 2, 3], [4], [9, 10, 11, 12]], isWhole: false)
    let batch = SequenceBatch([sample], visualTokens: [5], end: 0)
    #expect(batch.ids == [7, 8, 1, 2, 9, 10, 11])
    #expect(batch.targets == [1, 2, 3, 4, 9, 10, 11, 12])
    #expect(batch.predictingRows == [0, 1, 2, 0, 0, 3, 4, 5])
    #expect(SequenceBatch.supervisedTokens(of: sample) == 8)
  }

  @Test func aDialogueGoesOnAfterTheEndOfAnAnswer() {
    let sample = SequenceSample(
      media: [0], prefix: [.visual(0)],
      branches: [[.text([5]), .answer([6, 7]), .text([8, 9]), .answer([10]), .text([11])]])
    let batch = SequenceBatch([sample], visualTokens: [2], end: 0)
    // Rows: two visual, 5 6 7 0 8 9 10; the last end and what follows it have none.
    #expect(batch.ids == [5, 6, 7, 0, 8, 9, 10])
    #expect(batch.targets == [6, 7, 0, 10, 0])
    #expect(batch.outputRows == [2, 3, 4, 7, 8])
    #expect(batch.predictingRows == nil)
  }

  @Test func outputRowsAscendWhereOnlyALaterBranchStartsWithItsAnswer() {
    let sample = SequenceSample(
      media: [0], prefix: [.visual(0)], branches: [[.text([5]), .answer([6])], [.answer([7])]])
    let batch = SequenceBatch([sample], visualTokens: [2], end: 0)
    #expect(batch.outputRows == [1, 2, 3, 4])
    #expect(batch.targets == [6, 0, 7, 0])
    #expect(batch.predictingRows == [1, 2, 0, 3])
  }

  @Test func oneCaptionAPictureNeedsNoGather() {
    let sample = Self.captions([[5, 6]])
    let batch = SequenceBatch([sample, sample], visualTokens: [2, 2], end: 0)
    #expect(batch.predictingRows == nil)
    #expect(batch.targets == [5, 6, 0, 5, 6, 0])
    #expect(batch.outputRows == [1, 2, 3, 5, 6, 7])
  }

  @Test func textWithoutAPrefixDoesNotSuperviseItsFirstToken() throws {
    let sample = SequenceSample(media: [], prefix: [], branches: [[.answer([4, 5, 6])]])
    let batch = SequenceBatch([sample], visualTokens: [], end: 0)
    #expect(batch.targets == [5, 6, 0])
    #expect(SequenceBatch.supervisedTokens(of: sample) == 3)
    let loss = try model(trainable: true).answerLoss(
      visual: nil, batch, scale: 1, in: Context(tape: Tape()))
    #expect(loss.value > 0)
  }

  @Test func workCountsOnlyWhatIsComputed() throws {
    let batch = SequenceBatch([Self.captions([[5, 6]])], visualTokens: [2], end: 0)
    // Rows 0-1 prefix, 2-3 caption; rows 1, 2, 3 reach the loss.
    #expect(batch.work.rows == 4)
    #expect(batch.work.pairs == 1 + 2 + 3 + 4)
    #expect(batch.work.outputRows == 3)
    #expect(batch.work.outputPairs == 2 + 3 + 4)
    #expect(batch.work.logitRows == 3)
  }
}
