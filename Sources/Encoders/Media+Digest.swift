import Datasets
import Storage
import Tensors

extension Digest {
  /// Of names and contents of media, in their order: equal when the same pixels would be read. Every file
  /// is read once.
  ///
  /// - Throws: `FileError` for a file that can't be read.
  public static func of(media: [Medium], executor: LaneExecutor) throws -> String {
    let digests = try executor.map(count: media.count) { try media[$0].digest() }
    var hasher = DigestHasher()
    for (medium, digest) in zip(media, digests) { hasher.update(field: medium.id.text, digest) }
    return hasher.finalize()
  }
}
