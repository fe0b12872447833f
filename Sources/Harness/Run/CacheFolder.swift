import Foundation

/// Where features and small models are kept between runs.
public enum CacheFolder {
  /// `given`, else `DRAGOMAN_CACHE`, else `$XDG_CACHE_HOME/dragoman`, else `~/.cache/dragoman`.
  public static func resolve(
    _ given: String?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> URL {
    if let given { return URL(filePath: given, directoryHint: .isDirectory) }
    if let path = environment["DRAGOMAN_CACHE"], !path.isEmpty {
      return URL(filePath: path, directoryHint: .isDirectory)
    }
    if let path = environment["XDG_CACHE_HOME"], !path.isEmpty {
      return URL(filePath: path, directoryHint: .isDirectory).appending(path: "dragoman")
    }
    return FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/dragoman")
  }
}
