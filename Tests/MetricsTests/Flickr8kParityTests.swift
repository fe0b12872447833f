import Configuration
import Foundation
import Metrics
import TestSupport
import Testing

/// All captions of Flickr8k, against values that `Tests/Oracles/flickr8k.py` had from pycocoevalcap.
@Suite struct Flickr8kParityTests {
  private struct Golden: Decodable {
    let captions: Int
    let block: Int
    /// FNV-1a of the tokens of each `block` captions, a line feed after each.
    let digests: [String]
    let images: Int
    /// Of the first `images` images: captions 1 to 4 are references, the fifth is the candidate.
    let corpus: [String: Double]
  }

  private static let captionsFile = Fixtures.data?.appending(path: "flickr8k-captions/captions.txt")

  private static let isThere =
    captionsFile.map { FileManager.default.fileExists(atPath: $0.path) } ?? false

  /// Committed here; it has no counterpart among the shared fixtures.
  private func golden() throws -> Golden {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/metrics/flickr8k.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }

  /// Captions in the order of the file, with their images.
  private func captions() throws -> [(image: String, text: String)] {
    let text = try String(contentsOf: try #require(Self.captionsFile), encoding: .utf8)
    return text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
      guard let comma = line.firstIndex(of: ",") else { return nil }
      var caption = String(line[line.index(after: comma)...])
      if caption.count > 1, caption.hasPrefix("\""), caption.hasSuffix("\"") {
        caption = String(caption.dropFirst().dropLast()).replacing("\"\"", with: "\"")
      }
      return (String(line[..<comma]), caption)
    }
  }

  private func digest(_ lines: ArraySlice<String>) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in lines.joined(separator: "\n").utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
  }

  @Test(.enabled(if: isThere, "DRAGOMAN_DATA has no flickr8k-captions"))
  func everyCaptionGetsTheTokensOfTheStanfordTokenizer() throws {
    let golden = try golden()
    let tokens = PTBTokenizer().tokenize(try captions().map(\.text))
    #expect(tokens.count == golden.captions)
    let blocks = stride(from: 0, to: tokens.count, by: golden.block).map { first in
      digest(tokens[first..<min(first + golden.block, tokens.count)])
    }
    #expect(blocks == golden.digests)
  }

  @Test(.enabled(if: isThere, "DRAGOMAN_DATA has no flickr8k-captions"))
  func theCorpusValuesAreThoseOfPycocoevalcap() throws {
    let golden = try golden()
    var ids: [String] = []
    var groups: [String: [String]] = [:]
    for (image, text) in try captions() {
      if groups[image] == nil { ids.append(image) }
      groups[image, default: []].append(text)
    }
    ids = Array(ids.prefix(golden.images))
    let set = try CaptionSet(
      ids: ids.map { Identifier($0) }, candidates: ids.map { groups[$0]?.last ?? "" },
      references: ids.map { Array(groups[$0]?.dropLast() ?? []) })
    let resources = METEORParityTests.resources ?? METEORResources()
    let metrics: [any CaptionMetric] = [
      BLEU(), METEOR(resources: resources), ROUGEL(), CIDErD(),
    ]
    var names = CorpusMetricsParityTests.names
    names["METEOR-1.5 (exact+stem+synonym+paraphrase)"] = "METEOR"
    for score in Evaluation(metrics: metrics).score(set) {
      // Fewer stages give another METEOR, which was not computed.
      guard let key = names[score.name], let expected = golden.corpus[key] else { continue }
      let tolerance = key.hasPrefix("METEOR") ? 1e-6 : 1e-9
      #expect(abs(score.corpus - expected) <= tolerance, "\(score.name)")
    }
  }
}
