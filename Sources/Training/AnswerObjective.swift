import LanguageModels
import Layers
import Projectors
import Tensors

/// Next-token loss on answers after the visual tokens of a projector: captions, questions, dialogues.
public struct AnswerObjective: Objective {
  let projector: any Projector
  let model: any LanguageModel
  let patches: any PatchSource
  let sequences: SequenceSet
  let end: Int32
  let choice: CaptionChoice

  /// - Parameters:
  ///   - end: the id that ends an answer.
  ///   - choice: whether an update sees all of an example's alternative answers or one, drawn anew.
  public init(
    projector: any Projector, model: any LanguageModel, patches: any PatchSource,
    sequences: SequenceSet, end: Int32, choice: CaptionChoice = .all
  ) {
    self.projector = projector
    self.model = model
    self.patches = patches
    self.sequences = sequences
    self.end = end
    self.choice = choice
  }

  public var sampleCount: Int { sequences.samples.count }

  public func units(of sample: Int, draw: RandomKey) -> Int {
    SequenceBatch.supervisedTokens(of: chosen(sample, draw: draw))
  }

  public func loss(
    of samples: [Int], draw: RandomKey, scale: Float, in context: Context
  ) throws -> Loss {
    let chosen = samples.map { self.chosen($0, draw: draw) }
    let visual = try visual(of: chosen, in: context)
    let batch = SequenceBatch(chosen, visualTokens: visual?.segments.lengths ?? [], end: end)
    return model.answerLoss(visual: visual?.tensor, batch, scale: scale, in: context)
  }

  /// How likely the model finds each branch of some samples, all alternatives counted; no gradients.
  public func logLikelihoods(
    of samples: [Int], in context: Context
  ) throws -> [[BranchLikelihood]] {
    let chosen = samples.map { sequences.samples[$0] }
    let visual = try visual(of: chosen, in: context)
    let batch = SequenceBatch(chosen, visualTokens: visual?.segments.lengths ?? [], end: end)
    return model.logLikelihoods(visual: visual?.tensor, batch, in: context)
  }

  /// The visual tokens of the samples' media in turn; nil if there are none.
  private func visual(of samples: [SequenceSample], in context: Context) throws -> Rows? {
    let media = samples.flatMap(\.media)
    guard !media.isEmpty else { return nil }
    return projector(try patches.patches(of: media, in: context), in: context)
  }

  /// The sample with the branches that this pass over the data takes.
  private func chosen(_ index: Int, draw: RandomKey) -> SequenceSample {
    var sample = sequences.samples[index]
    guard choice == .random else { return sample }
    var stream = draw.named("caption").numbered(index).stream
    sample.branches = sequences.alternatives[index].flatMap { alternatives in
      guard alternatives.count > 1 else { return sample.branches[alternatives] }
      let place = alternatives.lowerBound + stream.integer(below: alternatives.count)
      return sample.branches[place...place]
    }
    return sample
  }
}
