import Configuration
import Datasets
import Layers
import Projectors
import Reports
import Storage
import Tensors
import Training

/// The features of test images before and after each arm's projector, coloured by their answer, and the visual
/// tokens among the words of the answers: `features.png`, `tokens-among-words.png`.
///
/// An image is one point: the mean of its patches, or of its visual tokens.
///
/// - Throws: errors of images and files.
func writeFeatures(
  arms: [HeatmapArm], inputs: ExperimentInputs, config: ExperimentConfig, to folder: ResultsFolder
) throws {
  let examples = inputs.data.set(nil).test.filter { example in
    !example.media.isEmpty && example.serves(config.answeredData)
  }.prefix(config.figures.features)
  guard let first = arms.first, !examples.isEmpty else { return }
  let concepts = Concepts(Array(examples))
  let before = FeatureScatter.Space(
    title: "patches, mean of an image", width: first.model.source.width,
    concepts: try concepts.colored { try first.model.means(of: inputs.data.places(of: $0)).patches }
  )
  let spaces = try arms.map { arm in
    FeatureScatter.Space(
      title: "\(arm.arm.row): visual tokens, mean of an image",
      width: arm.model.languageModel.width,
      concepts: try concepts.colored { try arm.model.means(of: inputs.data.places(of: $0)).tokens })
  }
  _ = try FeatureScatter(
    title: "\(config.experiment): features before and after projection", spaces: [before] + spaces,
    note:
      "Test images, each at the mean of its rows; two principal components, those of each plot its own."
  ).place(in: folder.url, as: .features)
  let words = concepts.words(inputs)
  let among = zip(arms, spaces).map { arm, space in
    FeatureScatter.Space(
      title: arm.arm.row, width: space.width,
      concepts: [arm.model.embeddings(of: words)] + space.concepts)
  }
  _ = try FeatureScatter(
    title: "\(config.experiment): visual tokens among the words of the answers", spaces: among,
    note: "Grey: embeddings of the answers' words. Coloured: the mean visual token of a test image."
  ).place(in: folder.url, as: .tokensAmongWords)
}

/// Examples by their first answer, the rarer ones together.
private struct Concepts {
  let groups: [(name: String, examples: [Example])]

  /// More would be colours that look alike.
  private static let most = 8

  init(_ examples: [Example]) {
    var names: [String] = []
    for example in examples where !names.contains(example.concept) {
      names.append(example.concept)
    }
    let shown = names.count > Self.most ? Array(names.prefix(Self.most - 1)) : names
    var groups = shown.map { name in (name, examples.filter { $0.concept == name }) }
    let others = examples.filter { !shown.contains($0.concept) }
    if !others.isEmpty { groups.append(("others", others)) }
    self.groups = groups
  }

  func colored(
    _ row: (Example) throws -> [Float]
  ) rethrows -> [FeatureScatter.Concept] {
    try groups.map { name, examples in
      FeatureScatter.Concept(name: name, rows: try examples.flatMap(row))
    }
  }

  /// The single tokens of which the answers are made, with what they stand for.
  func words(_ inputs: ExperimentInputs) -> [(text: String, id: Int32)] {
    var seen: Set<Int32> = []
    return groups.flatMap { $0.examples.flatMap(\.texts) }
      .flatMap { inputs.text.tokenizer.encode($0) }.filter { seen.insert($0).inserted }
      .prefix(40).map { (inputs.text.tokenizer.decode([$0], skipSpecialTokens: true), $0) }
  }
}

extension Example {
  /// What a scatter colours it by.
  fileprivate var concept: String { exchanges.first?.answers.first ?? "" }
}

extension ArmModel {
  /// The mean patch and the mean visual token of some media.
  fileprivate func means(of places: [Int]) throws -> (patches: [Float], tokens: [Float]) {
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let patches = try source.patches(of: places, in: context)
    let tokens = projector(patches, in: context).tensor
    func mean(_ tensor: Tensor) -> [Float] {
      tape.values(tape.mean(Rows(tensor, Segments(lengths: [tensor.rows]))))
    }
    return (mean(patches.tensor), mean(tokens))
  }

  /// The rows of the embedding table, each with its word.
  fileprivate func embeddings(of words: [(text: String, id: Int32)]) -> FeatureScatter.Concept {
    let tape = Tape(recordsGradients: false)
    let rows = languageModel.embed(words.map(\.id), in: Context(tape: tape))
    return FeatureScatter.Concept(
      name: "words", rows: tape.values(rows), labels: words.map(\.text), isBackground: true)
  }
}
