import Foundation
import Reports

/// What `dragoman doctor` found.
public struct DoctorReport: Encodable, Sendable, Equatable {
  public enum State: String, Encodable, Sendable {
    case ok
    /// Not there, and nothing fails for it: something is left out or slower.
    case optional
    /// Not there, and a run needs it.
    case missing
  }

  public struct Check: Encodable, Sendable, Equatable {
    public var name: String
    public var state: State
    /// What was found, or what is not there.
    public var found: String
    /// What to do; nil where all is well.
    public var advice: String?

    init(_ name: String, _ state: State, _ found: String, advice: String? = nil) {
      self.name = name
      self.state = state
      self.found = found
      self.advice = advice
    }
  }

  public var version: String
  public var checks: [Check]
  public var modelCache: String
  public var models: [CachedModel]
  /// Those that are set.
  public var variables: [String: String]

  /// Whether nothing that a run needs is missing.
  public var isHealthy: Bool { !checks.contains { $0.state == .missing } }

  /// For a terminal; it ends with a newline.
  public var text: String {
    var lines = LabelledLines()
    for check in checks { lines.add(check.name, check.text) }
    var models = LabelledLines()
    for model in self.models { models.add(model.reference, model.text) }
    var variables = LabelledLines()
    for (name, value) in self.variables.sorted(by: { $0.key < $1.key }) {
      variables.add(name, value)
    }
    let missing = checks.filter { $0.state == .missing }.map(\.name)
    return "dragoman \(version)\n\n\(lines.text)\nModels in the Hugging Face cache \(modelCache)\n"
      + (self.models.isEmpty
        ? "  none; `hf download ORG/NAME` puts them there, `model:` also takes any folder\n"
        : models.text)
      + "\nEnvironment\n" + (self.variables.isEmpty ? "  nothing set\n" : variables.text) + "\n"
      + (missing.isEmpty
        ? "All that is needed is there.\n"
        : "Needed and missing: \(missing.joined(separator: ", ")).\n")
  }
}

extension DoctorReport.Check {
  fileprivate var text: String {
    let mark =
      switch state {
      case .ok: ""
      case .optional: "optional: "
      case .missing: "MISSING: "
      }
    return mark + found + (advice.map { "\n→ \($0)" } ?? "")
  }
}

extension CachedModel {
  fileprivate var text: String {
    let size = NumberFormat.bytes(bytes)
    guard let kind else {
      return modelType.map { "\(size); model_type \($0): none of dragoman's kinds" }
        ?? "\(size); no model that dragoman reads\(missing.isEmpty ? "" : ": no config.json")"
    }
    guard missing.isEmpty else {
      return "\(kind), \(size); missing: \(missing.joined(separator: ", "))\n→ \(download)"
    }
    return "\(kind), \(size), complete"
  }
}
