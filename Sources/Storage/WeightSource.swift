import Configuration
import Foundation
import Tensors

/// A model's weights by name, from one safetensors file or from the shards of an index.
public struct WeightSource: Sendable {
  /// In the order of the file, shard by shard.
  public let names: [String]
  public let files: [SafetensorsFile]
  private let fileOfName: [Identifier: Int]

  /// One file.
  public init(_ url: URL) throws(ModelFolderError) {
    do {
      self.init(files: [try SafetensorsFile(url)])
    } catch {
      throw .weights(error)
    }
  }

  private init(files: [SafetensorsFile]) {
    self.files = files
    names = files.flatMap(\.names)
    var fileOfName: [Identifier: Int] = [:]
    for (index, file) in files.enumerated() {
      for name in file.names { fileOfName[Identifier(name)] = index }
    }
    self.fileOfName = fileOfName
  }

  init(of folder: ModelFolder) throws(ModelFolderError) {
    if folder.contains("model.safetensors") {
      try self.init(folder.file("model.safetensors"))
      return
    }
    let indexName = "model.safetensors.index.json"
    guard folder.contains(indexName) else {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.url.path)) ?? []
      let other = names.sorted().first {
        $0.hasSuffix(".bin") || $0.hasSuffix(".pt") || $0.hasSuffix(".h5")
          || $0.hasSuffix(".gguf")
      }
      throw .noWeights(folder: folder.url.path, other: other)
    }
    try self.init(folder: folder, index: indexName)
  }

  private init(folder: ModelFolder, index indexName: String) throws(ModelFolderError) {
    let indexPath = folder.file(indexName).path
    guard let map = try folder.json(indexName)["weight_map"]?.object, !map.isEmpty else {
      throw .badIndex(path: indexPath, rule: "it has no object weight_map")
    }
    var shardOfName: [(name: String, shard: String)] = []
    for member in map {
      let name = member.key
      guard let shard = member.value.string else {
        throw .badIndex(path: indexPath, rule: "the file of \"\(name)\" is not a string")
      }
      guard !shard.isEmpty, !shard.hasPrefix("/"), !shard.split(separator: "/").contains("..")
      else {
        throw .badIndex(path: indexPath, rule: "the file \"\(shard)\" lies outside the folder")
      }
      shardOfName.append((name, shard))
    }
    let shards = Set(shardOfName.map(\.shard)).sorted()
    var files: [SafetensorsFile] = []
    var seen: Set<Identifier> = []
    for shard in shards {
      let url = folder.file(shard)
      guard FileManager.default.fileExists(atPath: url.path) else {
        throw .missingShard(path: url.path, index: indexName)
      }
      do throws(SafetensorsError) {
        files.append(try SafetensorsFile(url))
      } catch {
        throw .weights(error)
      }
      for name in files[files.count - 1].names {
        guard seen.insert(Identifier(name)).inserted else {
          throw .badIndex(path: indexPath, rule: "two of its files hold the tensor \"\(name)\"")
        }
      }
    }
    for (name, shard) in shardOfName {
      let index = shards.firstIndex(of: shard) ?? 0
      guard files[index].contains(name) else {
        throw .badIndex(
          path: indexPath, rule: "it places \"\(name)\" in \(shard), which does not hold it")
      }
    }
    self.init(files: files)
  }

  public func contains(_ name: String) -> Bool { fileOfName[Identifier(name)] != nil }

  /// `nil` if there is no tensor of that name.
  public func shape(of name: String) -> [Int]? { info(name)?.shape }

  public func info(_ name: String) -> SafetensorsInfo? {
    fileOfName[Identifier(name)].flatMap { files[$0].info(name) }
  }

  /// The file that holds a tensor; for an unknown name the first, whose error then names the file.
  private func file(of name: String) throws(SafetensorsError) -> SafetensorsFile {
    if let index = fileOfName[Identifier(name)] { return files[index] }
    throw SafetensorsError(
      path: files[0].url.path,
      problem: .noTensor(name: name, similar: Suggestion.closest(to: name, among: names)))
  }

  /// Writes a tensor's values, converted from F32, F16, BF16 or F64, into a weight's buffer of their count.
  public func read(_ name: String, into weight: WeightBuffer) throws(SafetensorsError) {
    try file(of: name).read(name, into: weight)
  }

  /// A tensor's values, row by row.
  public func floats(_ name: String) throws(SafetensorsError) -> [Float] {
    try file(of: name).floats(name)
  }

  /// Digest of all weight files, in the order of ``files``: of their content, not of their names.
  ///
  /// - Parameter cache: where digests of files are remembered.
  public func digest(cache: DigestCache? = nil) throws(FileError) -> String {
    func digest(_ file: SafetensorsFile) throws(FileError) -> String {
      if let cache { return try cache.digest(of: file.url) }
      return try Digest.ofFile(file.url)
    }
    if files.count == 1 { return try digest(files[0]) }
    var hasher = DigestHasher()
    for (index, file) in files.enumerated() {
      hasher.update(field: String(index), try digest(file))
    }
    return hasher.finalize()
  }
}
