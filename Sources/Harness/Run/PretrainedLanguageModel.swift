import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Tokenizers

/// A language model from a model folder, its tokenizer, and all that decides its captions.
struct PretrainedLanguageModel {
  let model: any LanguageModel
  let tokenizer: any TextTokenizer
  let sequence: CaptionSequence
  /// Name, digest pairs.
  let digests: [(name: String, value: String)]

  /// Reads the folder; with `weights: random` of the model only its `config.json`.
  ///
  /// - Throws: ``UnsupportedSetting`` for a tokenizer or chat template that can't be used, `LanguageModelError`,
  ///   `ModelFolderError`, `SafetensorsError` and `TokenizerError` for the files.
  init(_ settings: PretrainedLanguageModelConfig, executor: LaneExecutor) throws {
    let folder = try ModelFolder(resolving: settings.model.location)
    let tokenizerFolder = settings.tokenizer?.url ?? folder.url
    tokenizer = try Self.tokenizer(in: tokenizerFolder, model: folder)
    guard let end = tokenizer.endToken else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer names no end token, which captions need. "
          + "Set eos_token in tokenizer_config.json.")
    }
    let ends = Set((tokenizer as? Tokenizer)?.endTokens ?? [end])
    sequence =
      settings.chat
      ? try CaptionSequence(
        chat: settings.prompt, endTokens: ends, tokenizer: tokenizer, folder: tokenizerFolder.path)
      : CaptionSequence(
        prompt: settings.prompt, end: end, endTokens: ends, tokenizer: tokenizer)
    let known = try DecoderDescription(folder).vocabularySize
    guard tokenizer.vocabularySize <= known else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer has \(tokenizer.vocabularySize) tokens, the model "
          + "in \(folder.url.path) knows \(known). Do they belong together?")
    }
    model = try LlamaForCausalLM(
      folder, weights: settings.weights, store: ParameterStore(), executor: executor)
    digests = [
      (
        "language_model_weights",
        settings.weights == .random ? "random" : try folder.weights.digest()
      ),
      ("language_model_config", Digest.of(try folder.data("config.json"))),
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
