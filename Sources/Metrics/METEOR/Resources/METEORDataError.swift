/// Why METEOR's data can't be used.
public enum METEORDataError: Error, Equatable, CustomStringConvertible {
  /// The folder that the user named has none of the data.
  case nothingFound(folder: String)
  /// A stage was asked for by name, and its data are not on this machine.
  case stageWithoutData(METEORStage)
  case unreadable(path: String, reason: String)
  case damaged(path: String, rule: String)

  public var description: String {
    switch self {
    case .nothingFound(let folder):
      "\(folder) holds no METEOR data: expected data/paraphrase-en.gz and meteor-1.5.jar, as in the"
        + " meteor folder of an installed pycocoevalcap."
    case .stageWithoutData(let stage):
      "METEOR's stage \"\(stage.rawValue)\" needs \(Self.source(of: stage)); install it, or leave the"
        + " stage out."
    case .unreadable(let path, let reason): "Can't read \(path): \(reason)."
    case .damaged(let path, let rule):
      "\(path) is damaged: \(rule). Install it again, or leave it out to run fewer stages."
    }
  }

  private static func source(of stage: METEORStage) -> String {
    switch stage {
    case .exact, .stem: "nothing"
    case .synonym: "WordNet 3.0 (Debian: apt install wordnet-base) or METEOR's jar"
    case .paraphrase:
      "data/paraphrase-en.gz of an installed pycocoevalcap, whose meteor folder DRAGOMAN_METEOR_DATA"
        + " may name"
    }
  }
}
