import Foundation
import Layers
import Storage
import Tensors

extension Dinov2Model {
  /// Reads a model of Hugging Face's layout; f16, bf16 and f32 weights become float32 in the store.
  ///
  /// - Parameter executor: whose threads convert the weights.
  /// - Throws: `EncoderError` for what `config.json` says, `CheckpointReaderError` for a weight that is
  ///   absent or of another shape, `ModelFolderError` or `SafetensorsError` for a file that can't be read.
  public init(_ folder: ModelFolder, store: ParameterStore, executor: LaneExecutor) throws {
    let description = try folder.description(Dinov2Description.self, modelType: "dinov2")
    let reader = try CheckpointReader(folder)
    try self.init(description, in: reader.scope(store: store))
    try reader.run(on: executor)
  }
}

extension CheckpointReader {
  /// The weights of a model folder.
  convenience init(_ folder: ModelFolder) throws {
    let source = try folder.weights
    self.init(path: folder.url.path, shape: source.shape(of:)) { name, values in
      try source.read(name, into: values)
    }
  }
}

extension ModelFolder {
  /// `config.json`, checked to be of the model type that `kind:` says.
  func description<Description: Decodable>(
    _ type: Description.Type, modelType: String
  ) throws -> Description {
    let data = try data("config.json")
    let path = file("config.json").path
    do {
      let found = try JSONDecoder().decode(Kind.self, from: data).modelType
      guard found == nil || found == modelType else {
        throw EncoderError(
          file: path, key: "model_type", rule: "must be \(modelType) for this kind of encoder",
          found: found ?? "absent")
      }
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw EncoderError(file: path, decoding: error)
    }
  }
}

private struct Kind: Decodable {
  let modelType: String?
  enum CodingKeys: String, CodingKey { case modelType = "model_type" }
}
