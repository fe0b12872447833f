import Configuration
import Foundation

/// A model as Hugging Face lays it out: a folder with `config.json`, weights as safetensors, and often
/// `tokenizer.json` and `preprocessor_config.json`.
public struct ModelFolder: Sendable, Equatable {
  /// What the experiment file says: a path, or `hf:ORG/NAME[@REV]`.
  public let reference: String
  public let url: URL

  /// Finds a model folder on this machine.
  ///
  /// - Parameters:
  ///   - reference: a folder's path, or `hf:ORG/NAME[@REV]`, which is looked up in the local Hugging Face
  ///     cache: `HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub`. `REV` is a branch,
  ///     tag or commit; without it, `main`.
  ///   - base: where a relative path starts; the current folder if `nil`.
  ///   - environment: where `HF_HUB_CACHE`, `HF_HOME` and `HOME` are looked up.
  /// - Throws: ``ModelFolderError`` if there is no such folder, or it has no `config.json`.
  public init(
    resolving reference: String, relativeTo base: URL? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ModelFolderError) {
    self.reference = reference
    if reference.hasPrefix("hf:") {
      let cache = HuggingFaceCache(environment: environment)
      url = try cache.folder(of: HuggingFaceCache.Reference(parsing: reference))
    } else {
      let path = HuggingFaceCache.expandingHome(reference, environment: environment)
      url =
        path.hasPrefix("/")
        ? URL(filePath: path, directoryHint: .isDirectory)
        : URL(filePath: path, directoryHint: .isDirectory, relativeTo: base).absoluteURL
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw .noFolder(reference: reference, path: url.path)
    }
    guard isFolder.boolValue else {
      throw .notAFolder(reference: reference, path: url.path)
    }
    guard contains("config.json") else {
      throw .noFile(folder: url.path, name: "config.json", reference: reference)
    }
  }

  /// Whether the folder holds a file of that name; a link whose target is gone does not count.
  public func contains(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: file(name).path)
  }

  public func file(_ name: String) -> URL { url.appending(path: name) }

  /// A file's bytes.
  public func data(_ name: String) throws(ModelFolderError) -> Data {
    guard contains(name) else {
      throw .noFile(folder: url.path, name: name, reference: reference)
    }
    do {
      return try Data(contentsOf: file(name))
    } catch {
      throw .unreadable(path: file(name).path, cause: FileError.cause(of: error))
    }
  }

  /// A JSON file's content, read strictly.
  public func json(_ name: String) throws(ModelFolderError) -> JSONValue {
    let data = try data(name)
    do {
      return try JSONValue(parsing: [UInt8](data))
    } catch {
      throw .badJSON(path: file(name).path, error)
    }
  }

  /// The model's weights, opened at each call: keep the result.
  ///
  /// They are `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
  ///
  /// - Throws: ``ModelFolderError`` if there are none, or an index or file is damaged or missing.
  public var weights: WeightSource {
    get throws(ModelFolderError) { try WeightSource(of: self) }
  }
}

/// Why a model folder, or a file in it, can't be used.
public enum ModelFolderError: Error, Equatable, LocalizedError, CustomStringConvertible {
  case badReference(String, rule: String)
  case notCached(repository: String, revision: String?, cache: String)
  case noFolder(reference: String, path: String)
  case notAFolder(reference: String, path: String)
  case noFile(folder: String, name: String, reference: String)
  case noWeights(folder: String, other: String?)
  case unreadable(path: String, cause: String)
  case badJSON(path: String, JSONError)
  case badIndex(path: String, rule: String)
  case missingShard(path: String, index: String)
  case weights(SafetensorsError)

  public var description: String {
    switch self {
    case .badReference(let reference, let rule):
      "The model \"\(reference)\" can't be looked up: \(rule). Write hf:ORG/NAME or "
        + "hf:ORG/NAME@REVISION, or the path of a folder."
    case .notCached(let repository, let revision, let cache):
      "The model \(repository)\(revision.map { " at revision \($0)" } ?? "") is not in the Hugging "
        + "Face cache \(cache). Fetch it with: "
        + Self.download(repository: repository, revision: revision)
    case .noFolder(let reference, let path):
      "There is no model folder \(path)"
        + (reference == path ? "." : " (from \"\(reference)\").")
        + " Give the path of a folder with config.json, or hf:ORG/NAME."
    case .notAFolder(let reference, let path):
      "The model \(path)" + (reference == path ? "" : " (from \"\(reference)\")")
        + " is a file; give the folder that holds it."
    case .noFile(let folder, let name, let reference):
      "The model folder \(folder) has no \(name)." + Self.advice(for: reference)
    case .noWeights(let folder, let other):
      "The model folder \(folder) has no weights: neither model.safetensors nor "
        + "model.safetensors.index.json."
        + (other.map { " It has \($0), which is not read: save the model with safe_serialization." }
          ?? "")
    case .unreadable(let path, let cause):
      "Cannot read \(path): \(cause)."
    case .badJSON(let path, let error):
      "The file \(path) is not valid JSON: \(error)."
    case .badIndex(let path, let rule):
      "The weight index \(path) is malformed: \(rule)."
    case .missingShard(let path, let index):
      "The weight file \(path), which \(index) lists, is missing. Fetch the model again."
    case .weights(let error):
      error.description
    }
  }

  public var errorDescription: String? { description }

  static func download(repository: String, revision: String?) -> String {
    "hf download \(repository)" + (revision.map { " --revision \($0)" } ?? "")
  }

  private static func advice(for reference: String) -> String {
    guard reference.hasPrefix("hf:"),
      let parsed = try? HuggingFaceCache.Reference(parsing: reference)
    else { return "" }
    return " Fetch it with: "
      + download(repository: parsed.repository, revision: parsed.revision)
  }
}
