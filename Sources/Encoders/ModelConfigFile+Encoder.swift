import Storage

/// What the `config.json` files of encoders say alike.
extension ModelConfigFile {
  /// - Parameter types: the values of `model_type` that are understood.
  init(_ folder: ModelFolder, encoder types: [String]) throws {
    try self.init(folder)
    try modelType(among: types, kind: "encoder")
  }

  /// Width and heads of an attention, one dividing the other.
  func widthAndHeads(width: Int, heads: Int) throws(ModelFileError) -> (width: Int, heads: Int) {
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
  ) throws(ModelFileError) -> (image: Int, patch: Int) {
    let image = try count("image_size", else: image)
    let patch = try count("patch_size", else: patch)
    guard patch <= image else {
      throw reject("patch_size", "must be at most image_size \(image)", "\(patch)")
    }
    return (image, patch)
  }
}
