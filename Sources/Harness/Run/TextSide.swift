import Datasets
import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Tokenizers
import Training

/// All of a language model but its weights: shape, tokenizer, how sequences are put together.
public struct TextSide: Sendable {
  public let tokenizer: any TextTokenizer
  public let template: SequenceTemplate
  /// The model in a store of shapes.
  let shapes: any LanguageModel
  /// nil for the one that the run makes.
  let folder: ModelFolder?
  let recipe: [(name: String, value: String)]

  /// From a model folder.
  ///
  /// - Parameter digests: where digests of weight files are remembered.
  /// - Throws: ``UnsupportedSetting`` for a tokenizer or chat template that can't be used, `LanguageModelError`,
  ///   `ModelFolderError` and `TokenizerError` for the files.
  init(
    _ config: LanguageModelConfig, _ settings: PretrainedLanguageModelConfig,
    compute: ComputePrecision, digests: DigestCache? = nil
  ) throws {
    let folder = try ModelFolder(resolving: settings.model.location)
    let tokenizerFolder = settings.tokenizer?.url ?? folder.url
    let tokenizer = try Self.tokenizer(in: tokenizerFolder, model: folder)
    guard let end = tokenizer.endToken else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer names no end token, which captions need. "
          + "Set eos_token in tokenizer_config.json.")
    }
    shapes = try LlamaForCausalLM(
      DecoderDescription(folder, kind: config.pretrainedKind), in: .shapes(matrices: compute))
    guard tokenizer.vocabularySize <= shapes.vocabularySize else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer has \(tokenizer.vocabularySize) tokens, the model "
          + "in \(folder.url.path) knows \(shapes.vocabularySize). Do they belong together?")
    }
    let ends = Set((tokenizer as? Tokenizer)?.endTokens ?? [end])
    template =
      settings.chat
      ? try SequenceTemplate(
        chat: settings.prompt, endTokens: ends, tokenizer: tokenizer, source: tokenizerFolder.path)
      : SequenceTemplate(
        prompt: settings.prompt, end: end, endTokens: ends, tokenizer: tokenizer)
    self.tokenizer = tokenizer
    self.folder = folder
    recipe = [
      (
        "language_model_weights",
        settings.weights == .random ? "random" : try folder.weights.digest(cache: digests)
      ),
      ("language_model_config", Digest.of(try folder.data("config.json"))),
      ("tokenizer", Digest.of(tokenizer.digestContent)),
    ]
  }

  /// Of the small model that the run makes, over the words of the training text.
  init(_ settings: SmallDecoderConfig, words: [String], limit: Int?) throws {
    let tokenizer = WordTokenizer(captions: words)
    guard let end = tokenizer.endToken else { preconditionFailure("a word tokenizer has an end") }
    self.tokenizer = tokenizer
    template = SequenceTemplate(
      prompt: settings.prompt, end: end, endTokens: [end], tokenizer: tokenizer)
    shapes = try SmallDecoder(
      settings, vocabularySize: tokenizer.vocabularySize, in: .shapes)
    folder = nil
    // Not the values: another kind of CPU gives other last bits, and the same cells.
    recipe = [
      ("language_model", settings.resolved.yaml + (limit.map { " steps \($0)" } ?? "")),
      ("tokenizer", Digest.of(tokenizer.digestContent)),
    ]
  }

  /// Begin and end tokens and the chat template are those beside the `tokenizer.json`; where it stands
  /// alone, the model folder's.
  private static func tokenizer(
    in folder: URL, model: ModelFolder
  ) throws(TokenizerError) -> any TextTokenizer {
    let settings = folder.appending(path: "tokenizer_config.json")
    let hasSettings = FileManager.default.fileExists(atPath: settings.path)
    return try readTokenizer(folder: folder, settingsOf: hasSettings ? folder : model.url)
  }
}
