import Configuration
import Foundation
import Metrics
import TestSupport

/// A set of captions with the values pycocoevalcap gives them: see the fixture's README.
struct MetricFixture {
  struct Image {
    let id: Identifier
    let candidate: String
    let references: [String]
    let tokenizedCandidate: String
    let tokenizedReferences: [String]
    let expected: [String: Any]
  }

  let images: [Image]
  let corpus: [String: Double]

  /// Every set that is there: those of the fixtures and, with DRAGOMAN_DATA, the COCO sets.
  static var folders: [URL] {
    [Fixtures.folder("metrics"), Fixtures.data?.appending(path: "metrics")].compactMap(\.self)
      .flatMap { folders(in: $0, with: "expected.json") }
  }

  /// The folders in `parent` that have a file of that name.
  static func folders(in parent: URL, with file: String) -> [URL] {
    let folders = try? FileManager.default.contentsOfDirectory(
      at: parent, includingPropertiesForKeys: nil)
    return (folders ?? []).filter {
      FileManager.default.fileExists(atPath: $0.appending(path: file).path)
    }.sorted { $0.path < $1.path }
  }

  init(_ folder: URL) throws {
    let inputs = try Self.object(folder, "inputs.json")
    let tokenized = try Self.object(folder, "tokenized.json")
    let expected = try Self.object(folder, "expected.json")
    corpus = expected["corpus"] as? [String: Double] ?? [:]
    let perImage = expected["per_image"] as? [String: [String: Any]] ?? [:]
    images = (inputs["images"] as? [[String: Any]] ?? []).map { entry in
      let id = entry["id"].map { "\($0)" } ?? ""
      let tokens = tokenized[id] as? [String: Any]
      return Image(
        id: Identifier(id),
        candidate: entry["candidate"] as? String ?? "",
        references: entry["references"] as? [String] ?? [],
        tokenizedCandidate: tokens?["candidate"] as? String ?? "",
        tokenizedReferences: tokens?["references"] as? [String] ?? [],
        expected: perImage[id] ?? [:])
    }
  }

  /// The set from the tokenizer's output in the fixture.
  func tokenizedSet() throws -> CaptionSet {
    try CaptionSet(
      ids: images.map(\.id), tokenizedCandidates: images.map(\.tokenizedCandidate),
      references: images.map(\.tokenizedReferences))
  }

  func expected(_ key: String) -> [Double] {
    images.map { $0.expected[key] as? Double ?? .nan }
  }

  private static func object(_ folder: URL, _ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: folder.appending(path: name))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }
}

/// The largest absolute difference; NaN where one is missing.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .nan }
  return zip(a, b).reduce(0.0) { worst, pair in
    let difference = abs(pair.0 - pair.1)
    return worst.isNaN || difference <= worst ? worst : difference
  }
}
