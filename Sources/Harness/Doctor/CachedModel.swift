import Foundation
import Storage

/// A model in the Hugging Face cache, and whether an experiment could use it.
public struct CachedModel: Encodable, Sendable, Equatable {
  /// `ORG/NAME`.
  public var repository: String
  /// `main`, another branch or tag, or the commit.
  public var revision: String
  /// What an experiment file says for it.
  public var reference: String
  /// What its `config.json` says, if it says it.
  public var modelType: String?
  /// nil for a model that no `kind:` of ours reads.
  public var kind: String?
  public var bytes: Int
  /// Files that this kind needs and that are not there.
  public var missing: [String]

  public var isReady: Bool { kind != nil && missing.isEmpty }

  /// The command that fetches what is missing.
  public var download: String {
    "hf download \(repository)" + (revision == "main" ? "" : " --revision \(revision)")
  }

  /// Every snapshot in the cache, by name.
  static func list(in cache: HuggingFaceCache) -> [CachedModel] {
    cache.models.flatMap { repository -> [CachedModel] in
      let name = "models--" + repository.replacing("/", with: "--")
      let folder = cache.folder.appending(path: name)
      let names = revisions(in: folder.appending(path: "refs"))
      return Self.names(in: folder.appending(path: "snapshots")).map { commit in
        CachedModel(
          repository: repository, revision: names[commit] ?? commit,
          snapshot: folder.appending(path: "snapshots/\(commit)", directoryHint: .isDirectory))
      }
    }
  }

  private init(repository: String, revision: String, snapshot: URL) {
    self.repository = repository
    self.revision = revision
    reference = "hf:\(repository)" + (revision == "main" ? "" : "@\(revision)")
    bytes = Self.names(in: snapshot).reduce(0) { sum, name in
      // Through the link: the blob's size.
      let file = snapshot.appending(path: name).resolvingSymlinksInPath()
      return sum + ((try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0)
    }
    guard let folder = try? ModelFolder(resolving: snapshot.path(percentEncoded: false)) else {
      missing = ["config.json"]
      return
    }
    modelType = (try? folder.json("config.json"))?["model_type"]?.string
    let kind = modelType.flatMap(ModelKind.init(modelType:))
    self.kind = kind?.name
    missing = []
    guard let kind else { return }
    missing = Self.missingWeights(folder)
    let beside =
      switch kind {
      case .encoder: "preprocessor_config.json"
      case .languageModel: "tokenizer.json"
      }
    if !folder.contains(beside) { missing.append(beside) }
  }

  /// Reads no weights: a file counts if it is there.
  private static func missingWeights(_ folder: ModelFolder) -> [String] {
    if folder.contains("model.safetensors") { return [] }
    let index = "model.safetensors.index.json"
    guard folder.contains(index) else { return ["model.safetensors"] }
    guard let map = (try? folder.json(index))?["weight_map"]?.object else {
      return ["\(index) (damaged)"]
    }
    return Set(map.compactMap(\.value.string)).filter { !folder.contains($0) }.sorted()
  }

  /// Commit → branch or tag; `main` where several name it.
  private static func revisions(in refs: URL) -> [String: String] {
    var names: [String: String] = [:]
    let files = FileManager.default.subpaths(atPath: refs.path(percentEncoded: false)) ?? []
    for name in files.sorted() {
      guard let text = try? String(contentsOf: refs.appending(path: name), encoding: .utf8) else {
        continue
      }
      let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if names[commit] != "main" { names[commit] = name }
    }
    return names
  }

  private static func names(in folder: URL) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: folder.path(percentEncoded: false))
    return (names ?? []).sorted()
  }
}
