import Foundation

/// Model folders that hold configurations only, in a temporary folder.
struct ConfigFolder {
  let root: URL

  init() throws {
    root = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: root) }

  /// Writes a file, with the folders above it.
  @discardableResult
  func write(_ text: String, to path: String) throws -> URL {
    let file = root.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file
  }

  func path(_ name: String) -> String { root.appending(path: name).path(percentEncoded: false) }

  func addLanguageModel(_ name: String, _ config: String = tinyLlama) throws {
    try write(config, to: "\(name)/config.json")
  }

  func addEncoder(_ name: String, _ config: String = tinyViT, side: Int = 32) throws {
    try write(config, to: "\(name)/config.json")
    try write(
      """
      {"do_resize": true, "size": {"height": \(side), "width": \(side)}, "resample": 2,
       "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
       "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
       "image_processor_type": "ViTImageProcessor"}
      """, to: "\(name)/preprocessor_config.json")
  }

  static let tinyLlama = """
    {"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
     "intermediate_size": 24, "vocab_size": 50, "max_position_embeddings": 128,
     "tie_word_embeddings": true}
    """

  static let tinyViT = """
    {"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 5, "num_attention_heads": 2,
     "intermediate_size": 32, "image_size": 32, "patch_size": 8}
    """

  static let smolLM360M = """
    {"model_type": "llama", "hidden_size": 960, "intermediate_size": 2560,
     "num_attention_heads": 15, "num_hidden_layers": 32, "num_key_value_heads": 5,
     "tie_word_embeddings": true, "vocab_size": 49152, "max_position_embeddings": 2048}
    """

  static let qwen05B = """
    {"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864,
     "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
     "rope_theta": 1000000.0, "tie_word_embeddings": true, "vocab_size": 151936,
     "max_position_embeddings": 32768}
    """

  static let vitLarge = """
    {"model_type": "vit", "hidden_size": 1024, "image_size": 224, "intermediate_size": 4096,
     "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 16}
    """

  static let siglipBase = """
    {"model_type": "siglip", "vision_config": {"hidden_size": 768, "image_size": 224,
     "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
     "patch_size": 16}}
    """
}
