import Configuration
import Foundation
import Training

/// One combination of a sweep's values.
public struct ExperimentPoint: Sendable {
  public let config: ExperimentConfig
  /// The keys that the command line sweeps, with this point's values.
  let swept: [SweptValue]

  /// "training.lanes=4,projectors.mlp.hidden=32"; empty without a sweep.
  var label: String {
    swept.map { "\($0.path.joined(separator: "."))=\($0.value)" }.joined(separator: ",")
  }

  func title(_ name: String) -> String { label.isEmpty ? name : "\(name) (\(label))" }
}

/// An experiment as it will run: a file, the command line's changes, and what they mean. A sweep is one
/// experiment with more cells.
public struct Experiment: Sendable {
  /// At least one.
  public let points: [ExperimentPoint]
  /// The experiment file, as it was given.
  public let file: String
  /// The command line's changes, as typed.
  public let overrides: [String]
  /// The question of the file's header comment, when it has one.
  public let question: String?

  /// Of the first point.
  public var config: ExperimentConfig { points[0].config }

  /// What it is called, and its folder in the results folder.
  var name: String { config.experiment }

  /// The file with every key written out, defaults too, and below it what is swept.
  public var resolvedYAML: String {
    config.resolved.yaml
      + points.dropFirst().map { point in
        "# and with \(point.label)\n"
      }.joined()
  }

  /// Reads an experiment file.
  ///
  /// - Parameters:
  ///   - file: Path of the file; paths in it are relative to its folder.
  ///   - original: The file that `file` is a copy of: paths are relative to its folder instead.
  ///   - overrides: Changes in Hydra's notation; see ``ConfigOverride``. `training.KEY` may stand for
  ///     `training.stages.0.KEY` where there is one stage.
  ///   - environment: What `${NAME}` takes.
  /// - Throws: ``ExperimentFileError`` if the file can't be read, ``ConfigError`` if it is wrong.
  public static func load(
    _ file: String, overrides: [String] = [], relativeTo original: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> Experiment {
    let text = try read(file)
    let root = try YAMLReader.node(from: text, file: file)
    let folder = URL(filePath: original ?? file).deletingLastPathComponent().path(
      percentEncoded: false)
    let changes = root.sweeps(beside: overrides) + overrides
    let points = try ConfigOverride.expand(changes) { text, source throws(ConfigError) in
      try YAMLReader.node(from: text) { _, _ in source }
    }
    return Experiment(
      points: try points.map { point in
        var node = root
        var point = point
        for index in point.overrides.indices {
          point.overrides[index] = try point.overrides[index].withStageShorthand(in: node)
          try point.overrides[index].apply(to: &node, shape: ExperimentConfig.shape)
        }
        return ExperimentPoint(
          config: try ExperimentConfig.decode(node, folder: folder, environment: environment),
          swept: point.swept.map { SweptValue(path: $0.path, value: $0.value) })
      },
      file: file, overrides: overrides, question: question(of: text))
  }

  /// What stands behind `Question:` in the header comment, up to the next such word.
  private static func question(of text: String) -> String? {
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("#") else { break }
      let content = line.dropFirst().trimmingCharacters(in: .whitespaces)
      if content.hasPrefix("Question:") {
        lines = [content.dropFirst("Question:".count).trimmingCharacters(in: .whitespaces)]
      } else if !lines.isEmpty {
        if content.contains(/^[A-Z][a-z]+:/) { break }
        lines.append(content)
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: " ")
  }

  /// The JSON Schema that editors check experiment files with.
  public static var jsonSchema: String {
    ExperimentConfig.jsonSchema(
      title: "Dragoman experiment",
      description: "Written by `dragoman schema`; it says what the program's own check says.")
  }

  /// All keys of an experiment file, as Markdown.
  public static var reference: String {
    ExperimentConfig.reference(
      title: "Keys of an experiment file",
      introduction: """
        Written by `dragoman schema --format markdown`. Paths are relative to the experiment file; \
        `${NAME}` in them takes an environment variable. On the command line `KEY=VALUE` changes a \
        value: `training.stages.0.epochs=3`, or `training.epochs=3` where there is one stage.
        """)
  }

  private static func read(_ file: String) throws(ExperimentFileError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: file))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: file)
      throw isThere ? .unreadable(file) : .missing(file)
    }
    guard data.count <= 1 << 20 else { throw .tooLarge(file, bytes: data.count) }
    guard let text = String(data: data, encoding: .utf8) else { throw .notText(file) }
    return text
  }

  /// Safe as a folder's name.
  static func folderName(_ label: String) -> String {
    String(
      label.map { character in
        character.isASCII
          && (character.isLetter || character.isNumber || "._=,-".contains(character))
          ? character : "_"
      })
  }
}

/// An experiment file that can't be read at all.
public enum ExperimentFileError: Error, Equatable, CustomStringConvertible, LocalizedError {
  case missing(String)
  case unreadable(String)
  case tooLarge(String, bytes: Int)
  case notText(String)

  public var description: String {
    switch self {
    case .missing(let file): "there is no experiment file \(file)"
    case .unreadable(let file): "can't read \(file); is it a file, and may you read it?"
    case .tooLarge(let file, let bytes):
      "\(file) has \(bytes) bytes; an experiment file has 1 MiB at most"
    case .notText(let file): "\(file) is not UTF-8 text"
    }
  }

  public var errorDescription: String? { description }
}

extension ConfigOverride {
  /// `training.KEY` as `training.stages.0.KEY`, for a key of a stage where there is one stage.
  fileprivate func withStageShorthand(
    in root: ConfigNode
  ) throws(ConfigError) -> ConfigOverride {
    guard path.count >= 2, path[0] == "training",
      !TrainingConfig.fields.contains(where: { $0.key == path[1] }),
      StageConfig.fields.contains(where: { $0.key == path[1] })
    else { return self }
    var count = 1
    if case .sequence(let stages)? = root["training"]?["stages"]?.content { count = stages.count }
    guard count == 1 else {
      throw ConfigError(
        at: source, keyPath: "training",
        "there are \(count) stages; say which: "
          + "training.stages.0.\(path.dropFirst().joined(separator: "."))")
    }
    var result = self
    result.path.replaceSubrange(1..<1, with: ["stages", "0"])
    return result
  }
}
