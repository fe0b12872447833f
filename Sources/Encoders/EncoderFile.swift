import Layers
import Storage
import Tensors

/// Typed reading of an encoder's `config.json`; what is absent has the default of transformers.
struct EncoderFile {
  private let json: JSONValue
  private let path: String
  /// Keys that lead here, each with its point.
  private let prefix: String

  /// - Parameter types: the values of `model_type` that are understood.
  init(_ folder: ModelFolder, modelTypes types: [String]) throws {
    self.init(
      json: try folder.json("config.json"), path: folder.file("config.json").path, prefix: "")
    guard json.object != nil else {
      throw EncoderError(file: path, key: "", rule: "must hold a JSON object", found: "none")
    }
    guard let found = json["model_type"]?.string else {
      throw reject("model_type", "must be \(types[0]) for this kind of encoder", "absent")
    }
    guard types.contains(found) else {
      throw reject("model_type", "must be \(types[0]) for this kind of encoder", found)
    }
  }

  private init(json: JSONValue, path: String, prefix: String) {
    self.json = json
    self.path = path
    self.prefix = prefix
  }

  func reject(_ key: String, _ rule: String, _ found: String) -> EncoderError {
    EncoderError(file: path, key: prefix + key, rule: rule, found: found)
  }

  /// The object of a key; nil where it is absent.
  func member(_ key: String) throws(EncoderError) -> EncoderFile? {
    guard let member = present(key) else { return nil }
    guard member.object != nil else { throw reject(key, "must be an object", text(member)) }
    return EncoderFile(json: member, path: path, prefix: prefix + key + ".")
  }

  func count(_ key: String, else substitute: Int) throws(EncoderError) -> Int {
    guard let value = present(key) else { return substitute }
    guard let count = value.int, (1...1 << 31).contains(count) else {
      throw reject(key, "must be a whole number of at least 1", text(value))
    }
    return count
  }

  func positive(_ key: String, else substitute: Double) throws(EncoderError) -> Double {
    guard let value = present(key) else { return substitute }
    guard let number = value.double, number > 0, number.isFinite else {
      throw reject(key, "must be a positive number", text(value))
    }
    return number
  }

  func bool(_ key: String, else substitute: Bool) throws(EncoderError) -> Bool {
    guard let value = present(key) else { return substitute }
    guard let bool = value.bool else { throw reject(key, "must be true or false", text(value)) }
    return bool
  }

  func activation(
    _ key: String, else substitute: Activation
  ) throws(EncoderError) -> Activation {
    guard let value = present(key) else { return substitute }
    guard let activation = value.string.flatMap(Activation.init(rawValue:)) else {
      let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
      throw reject(key, "must be one of \(names)", text(value))
    }
    return activation
  }

  /// Width and heads of an attention, one dividing the other.
  func widthAndHeads(width: Int, heads: Int) throws(EncoderError) -> (width: Int, heads: Int) {
    let width = try count("hidden_size", else: width)
    let heads = try count("num_attention_heads", else: heads)
    guard width % heads == 0 else {
      throw reject("num_attention_heads", "must divide hidden_size \(width)", "\(heads)")
    }
    return (width, heads)
  }

  /// Side of the images that the positions belong to, and of a patch.
  func imageAndPatch(
    image: Int, patch: Int
  ) throws(EncoderError) -> (image: Int, patch: Int) {
    let image = try count("image_size", else: image)
    let patch = try count("patch_size", else: patch)
    guard patch <= image else {
      throw reject("patch_size", "must be at most image_size \(image)", "\(patch)")
    }
    return (image, patch)
  }

  private func present(_ key: String) -> JSONValue? {
    json[key].flatMap { $0.isNull ? nil : $0 }
  }

  private func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "\"\(value)\""
    case .array: "a list"
    case .object: "an object"
    }
  }
}
