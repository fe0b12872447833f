import Foundation

/// What a run found, as `summary.json` holds it.
///
/// The keys of the contract are always written, `null` where a value is unknown or not finite; keys
/// beyond it (``notes``, ``Arm/learningRate`` and others) only where they say something.
public struct RunSummary: Codable, Equatable, Sendable {
  public var experiment: String
  public var arms: [Arm]
  public var comparisons: [Comparison]

  /// The question that the experiment asks.
  public var question: String?
  /// Seeds that every arm ran with.
  public var seeds: [Int]?
  /// Folds, each tested once by cells that did not train on it; `nil` without.
  public var folds: Int?
  /// The metric whose pairs are tested; the others are described.
  public var primary: String?
  /// Cells that failed or are still to run: "mlp/seed-1: the loss is nan at update 12".
  public var missing: [String]?
  /// How many of the missing cells failed.
  public var failures: Int?
  /// Updates after which each stage was ended (`--steps`): no finished result.
  public var steps: Int?
  /// Images that the metrics were computed on.
  public var testImages: Int?
  /// The variant and the corpus of a metric, by its name: "document frequencies of the 100 test
  /// images' references".
  public var metricNotes: [String: String]?
  /// Anything else that belongs under every table.
  public var notes: [String]?
  /// What the experiment file expects, and whether it came.
  public var expectations: [Expectation]?

  public init(
    experiment: String, arms: [Arm], comparisons: [Comparison] = [], question: String? = nil,
    seeds: [Int]? = nil, folds: Int? = nil, primary: String? = nil, missing: [String]? = nil,
    steps: Int? = nil, testImages: Int? = nil, metricNotes: [String: String]? = nil,
    notes: [String]? = nil
  ) {
    self.experiment = experiment
    self.arms = arms
    self.comparisons = comparisons
    self.question = question
    self.seeds = seeds
    self.folds = folds
    self.primary = primary
    self.missing = missing
    self.steps = steps
    self.testImages = testImages
    self.metricNotes = metricNotes
    self.notes = notes
  }

  enum CodingKeys: String, CodingKey {
    case experiment
    case arms
    case comparisons
    case question
    case seeds
    case folds
    case primary
    case missing
    case failures
    case steps
    case testImages = "test_images"
    case metricNotes = "metric_notes"
    case notes
    case expectations
  }
}

extension RunSummary {
  public var hasFailures: Bool { (failures ?? 0) > 0 }

  /// The bytes of `summary.json`; equal summaries give equal bytes.
  ///
  /// Keys are sorted, lines indented, numbers have the shortest digits that read back as the same
  /// number, and the last line ends with a line end.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  /// Reads `summary.json`; keys it does not know are passed over, since a later version may add some.
  public init(json: Data, from file: String = "summary.json") throws {
    do {
      self = try JSONDecoder().decode(Self.self, from: json)
    } catch let error as DecodingError {
      throw SummaryError(file: file, error)
    }
  }
}

/// A `summary.json` that does not hold to the contract.
public struct SummaryError: Error, CustomStringConvertible, Equatable {
  public let file: String
  /// Where in the file: `arms[2].metrics`.
  public let key: String
  public let problem: String

  init(file: String, _ error: DecodingError) {
    self.file = file
    let context: DecodingError.Context
    var last: (any CodingKey)?
    switch error {
    case .typeMismatch(let type, let found):
      (context, problem) = (found, "must be of type \(type)")
    case .valueNotFound(_, let found): (context, problem) = (found, "must not be null")
    case .keyNotFound(let key, let found):
      (context, problem, last) = (found, "is missing", key)
    case .dataCorrupted(let found): (context, problem) = (found, found.debugDescription)
    @unknown default:
      (context, problem) = (
        .init(codingPath: [], debugDescription: ""), "cannot be read"
      )
    }
    let path = context.codingPath + (last.map { [$0] } ?? [])
    key = path.reduce("") { text, key in
      if let index = key.intValue { return text + "[\(index)]" }
      return text.isEmpty ? key.stringValue : text + "." + key.stringValue
    }
  }

  public var description: String {
    key.isEmpty
      ? "\(file): \(problem). It is not a summary that dragoman wrote, or it was cut short."
      : "\(file): '\(key)' \(problem). Was the file edited, or written by another version?"
  }
}
