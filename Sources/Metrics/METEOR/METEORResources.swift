import Foundation

/// The data of METEOR's later stages, as far as a user has them.
public struct METEORResources: Sendable {
  let synonyms: SynonymDictionary?
  let paraphrases: ParaphraseTable?
  /// METEOR's jar, where one was found.
  let jar: String?
  /// WordNet's folder, where one was found.
  let wordNetFolder: String?

  /// No data: exact and stem matches only.
  public init() {
    synonyms = nil
    paraphrases = nil
    jar = nil
    wordNetFolder = nil
  }

  init(
    synonyms: SynonymDictionary?, paraphrases: ParaphraseTable?, jar: String? = nil,
    wordNetFolder: String? = nil
  ) {
    self.synonyms = synonyms
    self.paraphrases = paraphrases
    self.jar = jar
    self.wordNetFolder = wordNetFolder
  }

  /// The stages that have what they need.
  public var stages: [METEORStage] {
    METEORStage.allCases.filter { stage in
      switch stage {
      case .exact, .stem: true
      case .synonym: synonyms != nil
      case .paraphrase: paraphrases != nil
      }
    }
  }

  /// Finds data in the usual places, or in the folder that the user names.
  ///
  /// Synonyms come from WordNet (`$WNSEARCHDIR`, `$WNHOME/dict`, `/usr/share/wordnet`) or from
  /// `meteor-1.5.jar`; paraphrases from `data/paraphrase-en.gz` beside that jar. The folder is the
  /// `meteor` folder of an installed pycocoevalcap; without a name it is `$DRAGOMAN_METEOR_DATA`, or
  /// is looked for in the active virtual environment and in the Python folders of the user and the
  /// system.
  ///
  /// - Parameters:
  ///   - folder: `--meteor-data`; it must hold the jar or the table.
  ///   - cache: Folder for the compact form of the paraphrase table, which is made when it is missing
  ///     or belongs to another table.
  ///   - environment: The process's environment.
  ///   - progress: Called with what is done and its share, from 0 to 1, while the table is compacted.
  /// - Throws: ``METEORDataError`` if the named folder holds nothing, or found data are damaged.
  public static func find(
    folder: String? = nil, cache: URL,
    environment: [String: String] = ProcessInfo.processInfo.environment,
    progress: (String, Double) -> Void = { _, _ in }
  ) throws -> Self {
    let places = METEORPlaces(environment)
    let folder = folder ?? places.namedFolder
    let folders = folder.map { [$0] } ?? places.meteorFolders()
    let jar = jar(in: folders)
    let table = paraphrases(in: folders)
    if let folder, jar == nil, table == nil {
      throw METEORDataError.nothingFound(folder: folder)
    }
    let wordNet = places.wordNetFolders.first { isFile("\($0)/index.noun") }
    let synonyms: SynonymDictionary? =
      if let wordNet {
        try SynonymDictionary(wordNetFolder: wordNet)
      } else if let jar {
        try SynonymDictionary(jar: jar)
      } else {
        nil
      }
    let paraphrases = try table.map {
      try ParaphraseTable.load(gzip: $0, cache: cache, progress: progress)
    }
    return METEORResources(
      synonyms: synonyms, paraphrases: paraphrases, jar: jar, wordNetFolder: wordNet)
  }

  /// What ``find(folder:cache:environment:progress:)`` would read; nothing is read here.
  public struct Locations: Sendable, Equatable {
    /// A folder.
    public var wordNet: String?
    public var jar: String?
    public var paraphrases: String?
    /// What `DRAGOMAN_METEOR_DATA` says: no other folder is looked in.
    public var named: String?
    public var searchedForWordNet: [String]
    public var searchedForMETEOR: [String]
  }

  /// Where the data lie, and where they are looked for.
  public static func locate(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Locations {
    let places = METEORPlaces(environment)
    let folders = places.namedFolder.map { [$0] } ?? places.meteorFolders()
    return Locations(
      wordNet: places.wordNetFolders.first { isFile("\($0)/index.noun") },
      jar: jar(in: folders), paraphrases: paraphrases(in: folders), named: places.namedFolder,
      searchedForWordNet: places.wordNetFolders, searchedForMETEOR: folders)
  }

  private static func jar(in folders: [String]) -> String? {
    folders.map { "\($0)/meteor-1.5.jar" }.first(where: isFile)
  }

  private static func paraphrases(in folders: [String]) -> String? {
    folders.flatMap { ["\($0)/data/paraphrase-en.gz", "\($0)/paraphrase-en.gz"] }
      .first(where: isFile)
  }

  private static func isFile(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }
}

/// Where data may lie on this machine.
private struct METEORPlaces {
  private let environment: [String: String]

  init(_ environment: [String: String]) {
    self.environment = environment
  }

  var namedFolder: String? {
    environment["DRAGOMAN_METEOR_DATA"].flatMap { $0.isEmpty ? nil : $0 }
  }

  var wordNetFolders: [String] {
    [
      environment["WNSEARCHDIR"], environment["WNHOME"].map { "\($0)/dict" },
      "/usr/share/wordnet", "/usr/local/WordNet-3.0/dict", "/opt/homebrew/share/wordnet",
    ].compactMap(\.self)
  }

  /// `meteor` folders of installed pycocoevalcaps.
  func meteorFolders() -> [String] {
    var prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap { environment[$0] }
    prefixes += environment["HOME"].map { ["\($0)/.local"] } ?? []
    prefixes += ["/usr/local", "/usr"]
    var folders: [String] = []
    for prefix in prefixes {
      let library = "\(prefix)/lib"
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: library)) ?? []
      for version in versions.sorted().reversed() where version.hasPrefix("python3") {
        for kind in ["site-packages", "dist-packages"] {
          folders.append("\(library)/\(version)/\(kind)/pycocoevalcap/meteor")
        }
      }
    }
    return folders
  }
}
