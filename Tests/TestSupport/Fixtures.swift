import Foundation

/// Where tests find golden values, real data and real models.
public enum Fixtures {
  /// The folder of golden values: `DRAGOMAN_FIXTURES` if set, else `Tests/Fixtures`.
  public static var root: URL {
    environmentFolder("DRAGOMAN_FIXTURES")
      ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures", directoryHint: .isDirectory)
  }

  /// `DRAGOMAN_DATA`: the folder that holds `flickr8k-1000`, `coco-80`, `metrics`; `nil` when unset.
  public static var data: URL? { environmentFolder("DRAGOMAN_DATA") }

  /// `DRAGOMAN_MODELS`: the folder that `prepare_models.py` filled; `nil` when unset.
  public static var models: URL? { environmentFolder("DRAGOMAN_MODELS") }

  public static func folder(_ name: String) -> URL {
    root.appending(path: name, directoryHint: .isDirectory)
  }

  private static func environmentFolder(_ name: String) -> URL? {
    guard let path = ProcessInfo.processInfo.environment[name], !path.isEmpty else { return nil }
    return URL(filePath: path, directoryHint: .isDirectory)
  }
}
