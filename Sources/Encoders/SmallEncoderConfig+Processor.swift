import Datasets
import Storage
import Tensors

extension SmallEncoderConfig {
  /// How an encoder of these settings takes its media in: sounds as log-mel spectrograms, images as red, green
  /// and blue scaled to −1…1.
  ///
  /// With ``imageSize`` all become squares of that side. Without, media of one size keep it, and later ones
  /// (`ask`) are resized to it; media of several sizes keep their own, and the output's size is the largest
  /// side.
  ///
  /// - Throws: ``EncoderError`` if the patch does not divide a side; `ImageError` for a file that cannot be
  ///   decoded.
  public func processor(
    for media: [Medium], executor: LaneExecutor
  ) throws -> any Preprocessor {
    if let sound = media.first(where: { $0.kind == .sound }) {
      if let image = media.first(where: { $0.kind == .image }) {
        throw EncoderError(
          key: "the data", rule: "must be images or sounds, not both",
          found: "the image \(image.id) and the sound \(sound.id)")
      }
      return try soundProcessor()
    }
    return try imageProcessor(for: media, executor: executor)
  }

  /// The spectrogram of its ``sound``, whose rows and columns fill whole patches.
  private func soundProcessor() throws(EncoderError) -> LogMel {
    let shape = LogMel(sound).shape
    for (key, size) in [
      ("mels", shape.height), ("frames, sound.seconds over sound.hop", shape.width),
    ]
    where size % patch != 0 {
      throw EncoderError(
        key: "patch", rule: "must divide the \(size) \(key)", found: "\(patch)")
    }
    return LogMel(sound)
  }

  private func imageProcessor(
    for media: [Medium], executor: LaneExecutor
  ) throws -> ImageProcessor {
    if let imageSize {
      try check(imageSize, imageSize, "encoder.image_size makes")
      return Self.processor(width: imageSize, height: imageSize, resizes: true)
    }
    let sizes = try executor.map(count: media.count) { index in
      let image = try media[index].image()
      try check(image.width, image.height, "\(media[index].id) has")
      return [image.width, image.height]
    }
    guard let first = sizes.first else {
      return Self.processor(width: patch, height: patch, resizes: true)
    }
    if sizes.allSatisfy({ $0 == first }) {
      return Self.processor(width: first[0], height: first[1], resizes: true)
    }
    let side = sizes.joined().max() ?? patch
    return Self.processor(width: side, height: side, resizes: false)
  }

  private func check(_ width: Int, _ height: Int, _ what: String) throws(EncoderError) {
    guard min(width, height) > 0, width % patch == 0, height % patch == 0 else {
      throw EncoderError(
        key: "encoder.patch",
        rule: "must divide both sides of every image (\(what) \(width)×\(height) pixels; "
          + "encoder.image_size resizes them)", found: "\(patch)")
    }
  }

  private static func processor(width: Int, height: Int, resizes: Bool) -> ImageProcessor {
    ImageProcessor(
      outputWidth: width, outputHeight: height,
      resize: resizes ? .exact(width: width, height: height) : nil, cropsToOutput: resizes,
      mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
  }
}
