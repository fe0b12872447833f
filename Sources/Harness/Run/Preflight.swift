import Datasets
import Foundation
import LanguageModels
import Layers
import Tensors
import Training

/// What can be seen before the first update, so that nothing fails, or misleads, after hours.
struct Preflight {
  let inputs: ExperimentInputs
  let config: ExperimentConfig
  let console: Console

  /// Of an arm as shapes: data for every stage, a supervised token, room for the longest sequence.
  ///
  /// - Throws: ``UnsupportedSetting`` with the rule and the likely fix.
  func check(_ arm: Arm, _ model: ArmModel) throws {
    for grid in Set(inputs.data.media.indices.map { inputs.source.grid(of: $0) }) {
      try model.projector.check(grid)
    }
    for fold in inputs.data.folds.indices {
      for (index, stage) in config.training.stages.enumerated() {
        try check(stage, index, arm, model, fold: fold)
      }
    }
  }

  private func check(
    _ stage: StageConfig, _ index: Int, _ arm: Arm, _ model: ArmModel, fold: Int
  ) throws {
    let set = inputs.data.set(of: index, fold: fold)
    let title = "training.stages.\(index)"
    guard !set.train.isEmpty else {
      throw UnsupportedSetting(
        "\(title): there is no training image; give dataset.split more of them")
    }
    if stage.augmentation != nil { try checkAugmentation(set, title) }
    let samples = try inputs.sequences.sequences(
      set.train, stage.data, limit: stage.maxTextTokens
    ).samples
    guard !samples.isEmpty else {
      throw UnsupportedSetting(
        "\(title): data is \(stage.data.rawValue), but the data set has no "
          + (stage.data == .contrast ? "captions" : stage.data.rawValue))
    }
    guard stage.data != .contrast else {
      guard min(stage.batchSize, samples.count) > 1 else {
        throw UnsupportedSetting(
          "\(title): data is contrast, which tells the images of a batch apart, but a batch has one; "
            + "raise batch_size")
      }
      return
    }
    let tokens = samples.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) }
    guard tokens > 0 else {
      throw UnsupportedSetting(
        "\(title): no token is supervised: every answer is empty, or cut by max_text_tokens "
          + "\(stage.maxTextTokens)")
    }
    let longest =
      samples.map { sample in
        sample.longestSequence(
          visualTokens: sample.media.map {
            model.projector.visualTokens(of: inputs.source.grid(of: $0))
          })
      }.max() ?? 0
    guard longest <= inputs.model.maximumPositions else {
      throw UnsupportedSetting(
        "\(arm.row), \(title): the longest sequence has \(longest) rows, the language model has "
          + "positions for \(inputs.model.maximumPositions); lower max_text_tokens or the visual "
          + "tokens")
    }
  }

  /// That there are images that can be changed; that they are not stored features is checked with the settings.
  private func checkAugmentation(_ set: ExampleSet, _ title: String) throws {
    guard inputs.encoder != nil else {
      throw UnsupportedSetting(
        "\(title): augmentation changes images before the encoder sees them, but encoder.kind is "
          + "precomputed: the features were made elsewhere; take it out")
    }
    if let sound = set.media.first(where: { $0.kind == .sound }) {
      throw UnsupportedSetting(
        "\(title): augmentation changes colours and turns pictures, but \(sound.id) is a sound; take it "
          + "out")
    }
  }

  /// How much text the stages cut; said once a set of inputs.
  func sayCuts() throws {
    for (index, stage) in config.training.stages.enumerated() where stage.data != .contrast {
      let set = try inputs.sequences.table(stage.data, limit: stage.maxTextTokens).set
      guard set.cutAnswers > 0 else { continue }
      console.log(
        "  \(stage.title(index)): \(set.cutAnswers) of \(set.answers) answers are cut by "
          + "max_text_tokens \(stage.maxTextTokens) and not taught their end")
    }
  }

  /// With values, before the first update: whether features say anything, and the visual tokens' scale.
  ///
  /// Media are looked at until one differs from the first: as a rule two, and all of them only where no
  /// projector could tell them apart. That a part gets no gradient is found by the trainer at its first
  /// update, before any weight changes.
  ///
  /// - Throws: ``UnsupportedSetting`` for features that are all alike or not finite.
  func checkValues(_ model: ArmModel) throws {
    guard !inputs.data.media.isEmpty else { return }
    let first = try features(of: 0, model)
    var areConstant = first.allSatisfy { $0 == first[0] }
    var mediaDiffer = false
    for medium in inputs.data.media.indices.dropFirst() where areConstant || !mediaDiffer {
      let values = try features(of: medium, model)
      areConstant = areConstant && values.allSatisfy { $0 == first[0] }
      mediaDiffer = mediaDiffer || values != first
    }
    guard !areConstant else {
      throw UnsupportedSetting(
        "the features are constant: every value of every medium is \(first.first ?? 0)")
    }
    if !mediaDiffer, inputs.data.media.count > 1 {
      console.log(
        "  the features of all \(inputs.data.media.count) media are the same: no projector can tell "
          + "them apart")
    }
    try sayScale(model)
  }

  private func features(of medium: Int, _ model: ArmModel) throws -> [Float] {
    let tape = Tape(recordsGradients: false)
    let values = tape.values(
      try model.source.patches(of: [medium], in: Context(tape: tape)).tensor)
    guard values.allSatisfy(\.isFinite) else {
      throw UnsupportedSetting(
        "the features of \(inputs.data.media[medium].id) are not all finite numbers")
    }
    return values
  }

  /// Visual tokens much larger or smaller than the text embeddings are said with numbers.
  private func sayScale(_ model: ArmModel) throws {
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    guard !inputs.data.media.isEmpty else { return }
    let patches = try model.source.patches(of: [0], in: context)
    let visual = rms(tape.values(model.projector(patches, in: context).tensor))
    let text = Double(model.languageModel.textScale)
    let ratio = visual / max(text, 1e-30)
    guard ratio > 4 || ratio < 0.25 else { return }
    console.log(
      String(
        format:
          "  visual tokens start with a scale of %.3g, text embeddings have %.3g: %.1f times as "
          + "large", visual, text, ratio))
  }

  private func rms(_ values: [Float]) -> Double {
    let sum = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (sum / Double(max(values.count, 1))).squareRoot()
  }
}
