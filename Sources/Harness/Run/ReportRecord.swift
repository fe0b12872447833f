import Foundation
import Reports
import Storage

/// What summary, tables, figures and page were made from, kept beside them: `report.json`.
///
/// A run whose cells are all there and whose results lie as they were written has nothing to do.
struct ReportRecord {
  private struct Kept: Codable {
    /// Of everything that decides what is written.
    var digest: String
    /// The files, by their paths in the results folder.
    var files: [String: FileStamp]
  }

  private let digest: String
  /// Whether every cell's own scores lie beside its answers; those of folds are of all cells together.
  private let isScored: Bool

  init(_ study: Study, _ results: StudyResults, _ groups: [LazyInputs]) {
    let experiment = study.experiment
    var hasher = DigestHasher()
    hasher.update(field: "program", Self.program)
    hasher.update(field: "command", experiment.command)
    hasher.update(field: "question", experiment.question ?? "")
    hasher.update(field: "experiment", experiment.resolvedYAML)
    for group in groups {
      hasher.update(field: "inputs", group.shapes.recipe.digest)
      hasher.update(field: "data", group.shapes.data.description)
    }
    for cell in results.finished {
      hasher.update(field: "cell", cell.cell.title)
      hasher.update(field: "rate", cell.cell.rateSource)
      hasher.update(field: "answers", cell.outcome.answersDigest)
      hasher.update(field: "captions", cell.outcome.answersFileDigest)
      // Curves are drawn of the log, heatmaps with the weights.
      for file in [cell.cell.folder.log, cell.cell.folder.weights] {
        hasher.update(field: "file", FileStamp(file).map { "\($0)" } ?? "none")
      }
    }
    isScored = results.finished.allSatisfy {
      $0.cell.fold != nil || !$0.outcome.scores.isEmpty
    }
    for missing in results.missing { hasher.update(field: "missing", missing) }
    digest = hasher.finalize()
  }

  /// This program's file as it is: another build may write other tables.
  private static var program: String {
    let url = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return Version.text + (FileStamp(url).map { "\($0)" } ?? "")
  }

  /// The summary that lies in the folder; nil if something else would be written now, or a file was changed.
  func unchangedSummary(in folder: ResultsFolder) -> RunSummary? {
    guard isScored, let data = try? Data(contentsOf: folder.record),
      let kept = try? JSONDecoder().decode(Kept.self, from: data), kept.digest == digest,
      kept.files == Self.files(in: folder)
    else { return nil }
    return (try? Data(contentsOf: folder.summary)).flatMap {
      try? JSONDecoder().decode(RunSummary.self, from: $0)
    }
  }

  /// Remembers what was written.
  func keep(in folder: ResultsFolder) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let kept = Kept(digest: digest, files: Self.files(in: folder))
    try AtomicFile.write(try encoder.encode(kept), to: folder.record)
  }

  /// Every file of the results folder and its figures.
  private static func files(in folder: ResultsFolder) -> [String: FileStamp] {
    var files: [String: FileStamp] = [:]
    for (url, prefix) in [(folder.url, ""), (folder.figures, "figures/")] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [] {
        let file = url.appending(path: name)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder),
          !isFolder.boolValue, prefix + name != folder.record.lastPathComponent
        else { continue }
        files[prefix + name] = FileStamp(file)
      }
    }
    return files
  }
}
