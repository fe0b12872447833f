import Foundation

/// A path as the file says it, and where it leads.
public struct ConfigPath: Sendable, Equatable {
  /// As written, with `${NAME}` and relative to the experiment file.
  ///
  /// The resolved file keeps this form, so that no machine's folders get into results.
  public let written: String
  /// Absolute, with variables put in.
  public let path: String

  public init(written: String = "", path: String = "") {
    self.written = written
    self.path = path
  }

  public var url: URL { URL(filePath: path) }

  /// Puts variables in and makes the path absolute.
  init?(_ node: ConfigNode, _ decoding: inout ConfigDecoding) {
    guard case .scalar(let text, _) = node.content, !node.isNull, !text.isEmpty else {
      decoding.report("must be a path, got \(node.shortDescription)", at: node.source)
      return nil
    }
    guard let expanded = Self.expand(text, at: node.source, &decoding) else { return nil }
    let url = URL(
      filePath: expanded, relativeTo: URL(filePath: decoding.folder, directoryHint: .isDirectory))
    self.init(written: text, path: url.standardizedFileURL.path(percentEncoded: false))
  }

  private static func expand(
    _ text: String, at source: ConfigSource, _ decoding: inout ConfigDecoding
  ) -> String? {
    var result = ""
    var rest = text[...]
    while let start = rest.range(of: "${") {
      result += rest[..<start.lowerBound]
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
        decoding.report("'${' without '}' in \"\(text)\"", at: source)
        return nil
      }
      let name = String(rest[start.upperBound..<end])
      guard let value = decoding.environment[name], !value.isEmpty else {
        decoding.report(
          "the environment variable \(name) is not set; run `export \(name)=…`", at: source)
        return nil
      }
      result += value
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}

extension ValueType where Value == ConfigPath {
  /// A path, relative to the experiment file, in which `${NAME}` takes an environment variable.
  public static var path: Self {
    Self(
      shape: {
        .scalar(name: "a path", rule: "", schema: [.init("type", "string"), .init("minLength", 1)])
      },
      decode: { node, decoding in ConfigPath(node, &decoding) },
      encode: { .text($0.written) })
  }
}

/// Where a model's files are.
public enum ModelReference: Sendable, Equatable {
  /// A folder with `config.json` and weights, in Hugging Face's layout.
  case folder(ConfigPath)
  /// `hf:ORG/NAME[@REV]`, in the local Hugging Face cache.
  case hub(repository: String, revision: String?)

  /// As the file says it.
  public var written: String {
    switch self {
    case .folder(let path): path.written
    case .hub(let repository, let revision):
      "hf:" + repository + (revision.map { "@\($0)" } ?? "")
    }
  }
}

extension ValueType where Value == ModelReference {
  /// A model folder, or `hf:ORG/NAME[@REV]`.
  public static var model: Self {
    Self(
      shape: {
        .scalar(
          name: "a folder or hf:ORG/NAME[@REV]", rule: "",
          schema: [.init("type", "string"), .init("minLength", 1)])
      },
      decode: { node, decoding in
        guard case .scalar(let text, _) = node.content, text.hasPrefix("hf:") else {
          return ConfigPath(node, &decoding).map(ModelReference.folder)
        }
        let parts = text.dropFirst(3).split(
          separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        let isSafe = names.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\\") }
        guard names.count == 2, isSafe, parts.count == 1 || !parts[1].isEmpty else {
          decoding.report(
            "must be hf:ORG/NAME or hf:ORG/NAME@REVISION, got \(text)", at: node.source)
          return nil
        }
        return .hub(
          repository: String(parts[0]), revision: parts.count == 2 ? String(parts[1]) : nil)
      },
      encode: { .text($0.written) })
  }
}
