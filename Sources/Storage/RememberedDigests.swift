import Foundation
import Synchronization
import Tensors

/// What tells that a file is still the one that was looked at.
public struct FileStamp: Codable, Sendable, Equatable {
  public let size: Int64
  let modifiedSeconds: Int64
  let modifiedNanoseconds: Int64
  let inode: UInt64

  /// nil if there is no such file.
  public init?(_ url: URL) {
    var status = stat()
    guard stat(url.path, &status) == 0 else { return nil }
    size = Int64(status.st_size)
    modifiedSeconds = Int64(status.st_mtim.tv_sec)
    modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
    inode = UInt64(status.st_ino)
  }
}

/// Digests that were taken of files as they are, so that no file is read twice for its digest: kept in a JSON
/// file. Losing it costs time only.
///
/// A file is known by its size, time and inode. Those in the JSON file's folder go by their names, so that the
/// folder may be moved.
public struct RememberedDigests: Codable, Sendable, Equatable {
  private struct Remembered: Codable, Sendable, Equatable {
    let stamp: FileStamp
    let digest: String
  }
  private var files: [String: Remembered] = [:]

  enum CodingKeys: String, CodingKey { case files }

  /// What the file at `url` holds; nothing if there is none, or it is damaged.
  public init(_ url: URL) {
    let data = try? Data(contentsOf: url)
    let known = data.flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
    files = known?.files ?? [:]
  }

  /// Keeps them; a folder that can't be written to is no error.
  public func write(to url: URL) {
    guard let data = try? JSONEncoder().encode(self) else { return }
    try? AtomicFile.write(data, to: url)
  }

  /// The digests of files of one folder by their names; none of those that are not there.
  ///
  /// - Throws: ``FileError`` for a file that can't be read.
  public mutating func digests(
    of files: [URL], executor: LaneExecutor
  ) throws(FileError) -> [String: String] {
    let known = self
    let found = try executor.map(count: files.count) { index throws(FileError) in
      try known.remembered(files[index], as: files[index].lastPathComponent)
    }
    var digests: [String: String] = [:]
    for (url, found) in zip(files, found) {
      self.files[url.lastPathComponent] = found
      digests[url.lastPathComponent] = found?.digest
    }
    return digests
  }

  /// Remembers the digest of a file that was just written.
  public mutating func set(_ digest: String, of url: URL) {
    files[url.lastPathComponent] = FileStamp(url).map { Remembered(stamp: $0, digest: digest) }
  }

  /// The digest of a file anywhere.
  ///
  /// - Throws: ``FileError`` if it can't be read.
  mutating func digest(of url: URL) throws(FileError) -> String {
    guard let found = try remembered(url, as: url.path) else { return try Digest.ofFile(url) }
    files[url.path] = found
    return found.digest
  }

  /// nil if there is no such file.
  private func remembered(_ url: URL, as name: String) throws(FileError) -> Remembered? {
    // The stamp comes first: a file that changes under the digest is read again.
    guard let stamp = FileStamp(url) else { return nil }
    if let known = files[name], known.stamp == stamp { return known }
    return Remembered(stamp: stamp, digest: try Digest.ofFile(url))
  }
}

/// Digests of large files anywhere, remembered in a cache folder from run to run.
public final class DigestCache: Sendable {
  /// Smaller files are read faster than they are looked up.
  private static let smallest = 4 << 20
  private let url: URL
  private let known: Mutex<RememberedDigests>

  /// - Parameter folder: where `digests.json` is kept.
  public init(_ folder: URL) {
    url = folder.appending(path: "digests.json")
    known = Mutex(RememberedDigests(url))
  }

  /// The XXH3-128 digest of a file's content.
  ///
  /// - Throws: ``FileError`` if it can't be read.
  public func digest(of file: URL) throws(FileError) -> String {
    guard FileStamp(file).map({ $0.size >= Self.smallest }) ?? false else {
      return try Digest.ofFile(file)
    }
    return try known.withLock { known throws(FileError) in
      let before = known
      let digest = try known.digest(of: file)
      if known != before {
        try? AtomicFile.ensureFolder(url.deletingLastPathComponent())
        known.write(to: url)
      }
      return digest
    }
  }
}
