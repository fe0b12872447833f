/// Why METEOR's data can't be used.
public enum METEORDataError: Error, Equatable, CustomStringConvertible {
  /// The folder that the user named has none of the data.
  case nothingFound(folder: String)
  case unreadable(path: String, reason: String)
  case damaged(path: String, rule: String)

  public var description: String {
    switch self {
    case .nothingFound(let folder):
      "\(folder) holds no METEOR data: expected data/paraphrase-en.gz and meteor-1.5.jar, as in the"
        + " meteor folder of an installed pycocoevalcap."
    case .unreadable(let path, let reason): "Can't read \(path): \(reason)."
    case .damaged(let path, let rule):
      "\(path) is damaged: \(rule). Install it again, or leave it out to run fewer stages."
    }
  }
}
