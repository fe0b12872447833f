import Storage
import Tensors

/// Everything that decides the numbers of a feature, in words; its digest is the entry's key.
public struct FeatureDescription: Sendable, Equatable {
  /// The encoder's class and size, for people.
  public var encoder: String
  /// Digest of its weights and configuration.
  public var encoderDigest: String
  public var preprocessing: String
  public var layer: EncoderLayer
  public var classToken: Bool
  public var precision: FeaturePrecision
  /// Of the encoder's products.
  public var compute: ComputePrecision

  public init(
    encoder: String, encoderDigest: String, preprocessing: String, layer: EncoderLayer,
    classToken: Bool, precision: FeaturePrecision, compute: ComputePrecision = .float32
  ) {
    self.encoder = encoder
    self.encoderDigest = encoderDigest
    self.preprocessing = preprocessing
    self.layer = layer
    self.classToken = classToken
    self.precision = precision
    self.compute = compute
  }

  /// 2: shards are named by their digest and say their grid. Entries of version 1 have other keys and are
  /// made anew.
  static let formatVersion = 2

  /// Attributes of every shard.
  var attributes: [(name: String, value: String)] {
    let layer =
      switch layer {
      case .last: "last"
      case .hiddenState(let index): String(index)
      }
    return [
      ("encoder", encoder), ("encoder_digest", encoderDigest), ("preprocessing", preprocessing),
      ("layer", layer), ("class_token", String(classToken)), ("precision", precision.rawValue),
      ("format_version", String(Self.formatVersion)),
    ] + (compute == .float32 ? [] : [("compute", compute.rawValue)])
  }

  /// XXH3-128 of all of it but the encoder's name.
  public var key: String { Self.key(of: attributes) }

  /// The key of an entry whose shards have these attributes, in their order.
  static func key(of attributes: [(name: String, value: String)]) -> String {
    var hasher = DigestHasher()
    for (name, value) in attributes where name != "encoder" {
      hasher.update(field: name, value)
    }
    return hasher.finalize()
  }
}
