import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Tokenizers

/// All of a model folder's language model but its weights: shape, tokenizer, sequence.
struct LanguageModelText {
  let folder: ModelFolder
  let description: DecoderDescription
  let tokenizer: any TextTokenizer
  let sequence: CaptionSequence

  /// - Throws: ``UnsupportedSetting`` for a tokenizer or chat template that can't be used, `LanguageModelError`,
  ///   `ModelFolderError` and `TokenizerError` for the files.
  init(_ settings: PretrainedLanguageModelConfig) throws {
    folder = try ModelFolder(resolving: settings.model.location)
    let tokenizerFolder = settings.tokenizer?.url ?? folder.url
    tokenizer = try Self.tokenizer(in: tokenizerFolder, model: folder)
    guard let end = tokenizer.endToken else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer names no end token, which captions need. "
          + "Set eos_token in tokenizer_config.json.")
    }
    description = try DecoderDescription(folder)
    guard tokenizer.vocabularySize <= description.vocabularySize else {
      throw UnsupportedSetting(
        "\(tokenizerFolder.path): the tokenizer has \(tokenizer.vocabularySize) tokens, the model "
          + "in \(folder.url.path) knows \(description.vocabularySize). Do they belong together?")
    }
    let ends = Set((tokenizer as? Tokenizer)?.endTokens ?? [end])
    sequence =
      settings.chat
      ? try CaptionSequence(
        chat: settings.prompt, endTokens: ends, tokenizer: tokenizer, folder: tokenizerFolder.path)
      : CaptionSequence(prompt: settings.prompt, end: end, endTokens: ends, tokenizer: tokenizer)
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

/// A language model from a model folder with all that decides its captions.
struct PretrainedLanguageModel {
  let text: LanguageModelText
  let model: any LanguageModel
  /// Name, digest pairs.
  let digests: [(name: String, value: String)]

  /// Reads the folder; with `weights: random` of the model only its `config.json`.
  ///
  /// - Throws: what ``LanguageModelText/init(_:)`` throws, and `SafetensorsError` for the weights.
  init(_ settings: PretrainedLanguageModelConfig, executor: LaneExecutor) throws {
    text = try LanguageModelText(settings)
    let folder = text.folder
    model = try LlamaForCausalLM(
      folder, weights: settings.weights, store: ParameterStore(), executor: executor)
    digests = [
      (
        "language_model_weights",
        settings.weights == .random ? "random" : try folder.weights.digest()
      ),
      ("language_model_config", Digest.of(try folder.data("config.json"))),
      ("tokenizer", Digest.of(text.tokenizer.digestContent)),
    ]
  }
}
