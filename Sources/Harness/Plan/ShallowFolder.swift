import Encoders
import Foundation
import Storage

/// A model folder's configurations with fewer layers, in a temporary folder: to time a model of true width
/// without making all of it.
struct ShallowFolder {
  let folder: ModelFolder

  /// - Throws: `ModelFolderError` for a file that can't be read, `FileError` if one can't be written.
  init(_ original: ModelFolder, layers: Int) throws {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    try AtomicFile.ensureFolder(url)
    let object = try JSONSerialization.jsonObject(with: original.data("config.json"))
    var config = object as? [String: Any] ?? [:]
    let key = "num_hidden_layers"
    func limited(_ section: [String: Any]) -> Int { min(section[key] as? Int ?? layers, layers) }
    if var vision = config["vision_config"] as? [String: Any] {
      vision[key] = limited(vision)
      config["vision_config"] = vision
    } else {
      config[key] = limited(config)
    }
    try AtomicFile.write(
      try JSONSerialization.data(withJSONObject: config), to: url.appending(path: "config.json"))
    let preprocessor = "preprocessor_config.json"
    if original.contains(preprocessor) {
      try AtomicFile.write(try original.data(preprocessor), to: url.appending(path: preprocessor))
    }
    folder = try ModelFolder(resolving: url.path(percentEncoded: false))
  }

  func remove() { try? FileManager.default.removeItem(at: folder.url) }
}

extension PretrainedEncoderConfig {
  /// The same encoder with random weights, its last layer's output.
  var withRandomWeights: PretrainedEncoderConfig {
    var settings = self
    settings.weights = .random
    settings.layer = .last
    return settings
  }
}
