import Foundation

/// The folder where `hf download` and transformers keep models.
///
/// Layout: `models--ORG--NAME/refs/REV` holds a commit; `models--ORG--NAME/snapshots/COMMIT/` holds the
/// files as links into `blobs/`. Source: huggingface_hub, "Understand caching".
public struct HuggingFaceCache: Sendable {
  public let folder: URL

  /// `HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub` (with `XDG_CACHE_HOME` in place
  /// of `~/.cache` if set).
  public init(environment: [String: String]) {
    func path(_ name: String) -> String? {
      guard let value = environment[name], !value.isEmpty else { return nil }
      return Self.expandingHome(value, environment: environment)
    }
    let folder =
      path("HF_HUB_CACHE")
      ?? path("HF_HOME").map { $0 + "/hub" }
      ?? path("XDG_CACHE_HOME").map { $0 + "/huggingface/hub" }
      ?? Self.expandingHome("~/.cache/huggingface/hub", environment: environment)
    self.folder = URL(filePath: folder, directoryHint: .isDirectory)
  }

  static func expandingHome(_ path: String, environment: [String: String]) -> String {
    guard path == "~" || path.hasPrefix("~/") else { return path }
    let home = environment["HOME"] ?? NSHomeDirectory()
    return home + path.dropFirst()
  }

  /// `hf:ORG/NAME[@REV]`, or `hf:NAME[@REV]` for the few models without an organisation.
  struct Reference: Equatable {
    let repository: String
    let revision: String?

    init(parsing text: String) throws(ModelFolderError) {
      let parts = text.dropFirst("hf:".count).split(
        separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let repository = String(parts[0])
      let names = repository.split(separator: "/", omittingEmptySubsequences: false)
      guard (1...2).contains(names.count), names.allSatisfy(Self.isName) else {
        throw .badReference(text, rule: "\"\(repository)\" is not ORG/NAME")
      }
      if parts.count == 2 {
        let revision = String(parts[1])
        // A branch may hold slashes ("refs/pr/1"); each part must be a plain name.
        guard
          revision.split(separator: "/", omittingEmptySubsequences: false)
            .allSatisfy(Self.isName)
        else { throw .badReference(text, rule: "\"\(revision)\" is not a revision") }
        self.revision = revision
      } else {
        revision = nil
      }
      self.repository = repository
    }

    /// Letters, digits, `-`, `_` and `.`, but no `..`, so that no name leads out of the cache.
    private static func isName(_ name: Substring) -> Bool {
      !name.isEmpty && name != "." && !name.contains("..")
        && name.allSatisfy {
          $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == ".")
        }
    }
  }

  /// The snapshot's folder.
  func folder(of reference: Reference) throws(ModelFolderError) -> URL {
    let name = "models--" + reference.repository.replacing("/", with: "--")
    let model = folder.appending(path: name, directoryHint: .isDirectory)
    let revision = reference.revision ?? "main"
    let snapshots = model.appending(path: "snapshots", directoryHint: .isDirectory)
    let ref = model.appending(path: "refs").appending(path: revision)
    var commit = revision
    if let text = try? String(contentsOf: ref, encoding: .utf8) {
      commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let snapshot = snapshots.appending(path: commit, directoryHint: .isDirectory)
    guard !commit.isEmpty, !commit.contains(".."),
      FileManager.default.fileExists(atPath: snapshot.path)
    else {
      throw .notCached(
        repository: reference.repository, revision: reference.revision, cache: folder.path)
    }
    return snapshot
  }

  /// The cached models, as `ORG/NAME`, in order: those with at least one snapshot.
  public var models: [String] {
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { name -> String? in
      guard name.hasPrefix("models--") else { return nil }
      let snapshots = folder.appending(path: name).appending(path: "snapshots")
      let commits = (try? manager.contentsOfDirectory(atPath: snapshots.path)) ?? []
      guard !commits.isEmpty else { return nil }
      return String(name.dropFirst("models--".count)).replacing("--", with: "/", maxReplacements: 1)
    }
  }
}
