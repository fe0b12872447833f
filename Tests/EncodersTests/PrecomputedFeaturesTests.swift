import Datasets
import Encoders
import Foundation
import Storage
import Testing

@Suite struct PrecomputedFeaturesTests {
  private let fixture: FeatureStoreFixture
  private let url: URL

  init() throws {
    fixture = try FeatureStoreFixture()
    url = fixture.root.appending(path: "features.h5")
  }

  private func image(_ id: String) -> CaptionedImage {
    CaptionedImage(
      id: id, source: .file(URL(filePath: "/absent/\(id)")), captions: ["never opened"])
  }

  private func write(_ values: [Float], shape: [Int], ids: [String]) throws {
    let file = try HDF5File(creating: url)
    try file.write("features", values, shape: shape)
    try file.write("image_id", ids)
    try file.close()
  }

  /// What the file is refused with.
  private func refusal(of images: [String] = []) -> String {
    do {
      _ = try PrecomputedFeatures(url).features(of: images.map(image))
      return "(no error)"
    } catch {
      return "\(error)".replacingOccurrences(of: url.path, with: "FILE")
    }
  }

  @Test func rowsComeInTheOrderAskedFor() throws {
    try write((0..<24).map(Float.init), shape: [4, 2, 3], ids: ["d", "b", "c", "a"])
    let features = try PrecomputedFeatures(url)
    #expect((features.tokens, features.width) == (2, 3))
    let table = try features.features(of: ["a", "b", "d", "b"].map(image))
    #expect(
      table.allValues.map { $0[0] } == [18, 6, 0, 6] && table.values(1) == [6, 7, 8, 9, 10, 11])
  }

  @Test func numbersMayNameImages() throws {
    let file = try HDF5File(creating: url)
    try file.write("features", [1, 2, 3, 4], shape: [2, 1, 2], as: .float64)
    try file.write("image_id", [Int64(391_895), 7])
    try file.close()
    let table = try PrecomputedFeatures(url).features(of: [image("7"), image("391895")])
    #expect(table.allValues == [[3, 4], [1, 2]])
  }

  /// The documented example, run as it stands.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"] != nil,
      "DRAGOMAN_PYTHON is not set"))
  func documentedExampleIsRead() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appending(path: "Sources/Encoders/Encoders.docc/PrecomputedFeatures.md"),
      encoding: .utf8)
    let code = try #require(
      page.split(separator: "```python\n").last?.split(separator: "```").first)
    let python = Process()
    python.executableURL = URL(
      filePath: ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"] ?? "python3")
    python.arguments = ["-c", String(code)]
    python.currentDirectoryURL = fixture.root
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
    let table = try PrecomputedFeatures(url).features(of: ["c.jpg", "a.jpg"].map(image))
    #expect((table.tokens, table.width) == (16, 8))
    #expect(table.values(0).allSatisfy { $0 == 2 } && table.values(1).allSatisfy { $0 == 0 })
  }

  @Test func filesThatDoNotFitAreRefusedInWords() throws {
    #expect(refusal().contains("No such file"))
    try write([1, 2, 3, 4], shape: [2, 2], ids: ["a", "b"])
    #expect(
      refusal()
        == "FILE: features must have the shape [image, token, width], at least 1 each; it is [2, 2]. "
        + "For one token an image write features[:, None].")
    try FileManager.default.removeItem(at: url)
    try write([1, 2, 3, 4], shape: [2, 1, 2], ids: ["a", "b", "c"])
    #expect(refusal() == "FILE: image_id names 3 images, features has 2.")
    try FileManager.default.removeItem(at: url)
    try write([1, 2, 3, 4], shape: [2, 1, 2], ids: ["a", "a"])
    #expect(refusal() == "FILE: image_id has a twice, in rows 0 and 1.")
    try FileManager.default.removeItem(at: url)
    try write([1, .nan, 3, 4], shape: [2, 1, 2], ids: ["a", "b"])
    #expect(refusal(of: ["b"]) == "(no error)")
    #expect(refusal(of: ["a"]) == "FILE: the features of the image a are not all finite.")
    #expect(
      refusal(of: ["b", "x", "y"])
        == "FILE lacks 2 of 3 images, x for one. Its image_id must hold the data set's names; it has "
        + "names such as a.")
    try FileManager.default.removeItem(at: url)
    try Data("not HDF5".utf8).write(to: url)
    #expect(refusal().contains("FILE"))
  }
}
