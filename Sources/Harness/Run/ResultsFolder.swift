import Foundation
import Storage
import Training

/// The files of one experiment's results, as DESIGN's §4 lays them out.
public struct ResultsFolder: Sendable {
  public let url: URL

  public init(_ url: URL) { self.url = url }

  public var experiment: URL { url.appending(path: "experiment.yaml") }
  public var provenance: URL { url.appending(path: "provenance.json") }
  public var summary: URL { url.appending(path: "summary.json") }
  public var report: URL { url.appending(path: "report.html") }
  /// What all of these were made from.
  var record: URL { url.appending(path: "report.json") }
  public var figures: URL { url.appending(path: "figures", directoryHint: .isDirectory) }
  public var captions: URL { url.appending(path: "captions.md") }
  public func comparison(_ format: String) -> URL { url.appending(path: "comparison.\(format)") }

  /// Makes the folder if it is not there.
  /// - Throws: `FileError` when it can't be made or written to.
  func prepare() throws {
    try AtomicFile.ensureFolder(url)
    guard access(url.path, W_OK | X_OK) == 0 else {
      throw FileError(path: url.path, operation: .write, cause: String(cString: strerror(errno)))
    }
  }

  /// Removes the folder if nothing is in it but the experiment that was to run.
  func removeIfOnlyBegun() {
    let names = try? FileManager.default.contentsOfDirectory(atPath: url.path)
    if names == [experiment.lastPathComponent] { unlink(experiment.path) }
    rmdir(url.path)
  }

  /// Keeps other programs from running into this folder until the lock is released.
  ///
  /// Where the disk knows no locks there is none. A program that was killed holds its lock until its
  /// memory is given back, so a held one is tried again for a while.
  /// - Throws: ``ResultsInUse`` when another program holds it.
  func lock(patience: Duration = .seconds(2)) throws -> ResultsLock {
    let descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let end = ContinuousClock.now + patience
    while descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      guard ContinuousClock.now < end else {
        close(descriptor)
        throw ResultsInUse(folder: url.path)
      }
      usleep(50_000)
    }
    return ResultsLock(descriptor: descriptor)
  }

  /// The folder of one cell: `mlp/seed-0`, `mlp/seed-0-fold-2-queries=16`.
  public func cell(arm: String, _ name: String) -> CellFolder {
    CellFolder(url: url.appending(path: arm).appending(path: name))
  }
}

/// One program at a time writes a results folder. It ends with the program, however that ends.
struct ResultsLock {
  let descriptor: Int32

  func release() { if descriptor >= 0 { close(descriptor) } }
}

/// Another program is running into the same results folder.
public struct ResultsInUse: Error, Equatable, ExitCodeProviding, CustomStringConvertible {
  public let folder: String
  public var programExit: ProgramExit { .failed }
  public var description: String {
    "another dragoman is writing \(folder); wait for it, stop it, or choose another --results folder"
  }
}

/// The files of one cell.
public struct CellFolder: Sendable, Hashable {
  public let url: URL

  public var config: URL { url.appending(path: "config.yaml") }
  public var log: URL { url.appending(path: "log.jsonl") }
  public var answers: URL { url.appending(path: "captions.jsonl") }
  public var metrics: URL { url.appending(path: "metrics.json") }
  /// Why the last try ended without a result.
  public var failure: URL { url.appending(path: "failure.json") }
  public var attention: URL { url.appending(path: "attention.h5") }
  /// Of some test images and their captions, before and after training.
  public var similarities: URL { url.appending(path: "similarities.json") }
  public var checkpoint: URL { url.appending(path: "checkpoint", directoryHint: .isDirectory) }
  /// The projector's best weights.
  public var weights: URL { checkpoint.appending(path: WeightExport.best) }
  /// The language model's, of a cell that trains it.
  public var languageModel: URL { checkpoint.appending(path: Self.languageModelFile) }
  /// With configuration and tokenizer beside the weights: a model folder of Hugging Face's form.
  public var languageModelFolder: URL { languageModel.deletingLastPathComponent() }
  /// The encoder's, of a cell that trains it.
  public var encoder: URL { checkpoint.appending(path: Self.encoderFile) }
  static let languageModelFile = "language_model/model.safetensors"
  static let encoderFile = "encoder.safetensors"
  static let contrastFile = "contrast.safetensors"

  /// Everything that a cell writes; `--fresh` removes these and no other.
  private var files: [URL] {
    [
      config, log, answers, metrics, failure, attention, similarities, checkpoint,
      url.appending(path: TensorBoardWriter.folder),
    ]
  }

  /// Removes what the cell's earlier runs wrote, and its folder if nothing else is in it.
  func clear() throws(FileError) {
    for file in files where FileManager.default.fileExists(atPath: file.path) {
      do {
        try FileManager.default.removeItem(at: file)
      } catch {
        throw FileError(path: file.path, operation: .remove, cause: FileError.cause(of: error))
      }
    }
    rmdir(url.path)
    rmdir(url.deletingLastPathComponent().path)
  }
}
