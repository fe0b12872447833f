import Configuration
import Datasets
import Encoders
import Foundation
import Layers
import Storage
import Testing

@Suite struct PrecomputedFeaturesTests {
  private let fixture: FeatureStoreFixture
  private let url: URL

  init() throws {
    fixture = try FeatureStoreFixture()
    url = fixture.root.appending(path: "features.h5")
  }

  private func image(_ id: String) -> Medium {
    Medium(id: Identifier(id), source: .file(URL(filePath: "/absent/never-opened-\(id)")))
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
    #expect(features.grid == .sequence(2) && features.width == 3)
    let table = try features.features(of: ["a", "b", "d", "b"].map(image))
    #expect(try table.allValues.map { $0[0] } == [18, 6, 0, 6])
    #expect(try table.values(1) == [6, 7, 8, 9, 10, 11])
  }

  @Test func numbersMayNameImages() throws {
    let file = try HDF5File(creating: url)
    try file.write("features", [1, 2, 3, 4], shape: [2, 1, 2], as: .float64)
    try file.write("image_id", [Int64(391_895), 7])
    try file.close()
    let table = try PrecomputedFeatures(url).features(of: [image("7"), image("391895")])
    #expect(try table.allValues == [[3, 4], [1, 2]])
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
    #expect(table.grid(of: 0) == PatchGrid(rows: 4, columns: 4) && table.width == 8)
    #expect(try table.values(0).allSatisfy { $0 == 2 })
    #expect(try table.values(1).allSatisfy { $0 == 0 })
  }

  @Test func filesThatDoNotFitAreRefusedInWords() throws {
    #expect(refusal().contains("No such file"))
    try write([1, 2, 3, 4], shape: [2, 2], ids: ["a", "b"])
    #expect(
      refusal()
        == "FILE: features must have the shape [image, token, width] or [image, row, column, width], "
        + "at least 1 each; it is [2, 2]. "
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

  @Test("integers are refused by their name: they may be the bits of another type")
  func integersAreRefused() throws {
    let file = try HDF5File(creating: url)
    _ = try file.createDataset("features", type: .uint8, shape: [1, 1, 2])
    try file.write("image_id", ["a"])
    try file.close()
    #expect(
      refusal().hasPrefix(
        "FILE: features must be float16, float32 or float64; they are uint8. Write them with"))
    try FileManager.default.removeItem(at: url)
    let strings = try HDF5File(creating: url)
    try strings.write("features", ["a", "b"])
    try strings.close()
    #expect(refusal().contains("they are string."))
  }

  @Test("names differ by their bytes: é may be one code point or two")
  func namesAreBytes() throws {
    try write([1, 2], shape: [2, 1, 1], ids: ["\u{e9}", "e\u{301}"])
    let features = try PrecomputedFeatures(url).features(of: ["e\u{301}", "\u{e9}"].map(image))
    #expect(try features.allValues == [[2], [1]])
  }

  private func writeGrid(_ shape: [Int], _ grid: HDF5Attribute?, onFile: Bool = false) throws {
    try? FileManager.default.removeItem(at: url)
    let file = try HDF5File(creating: url)
    let count = shape.reduce(1, *)
    let features = try file.createDataset("features", type: .float32, shape: shape)
    try features.write((0..<count).map(Float.init))
    if let grid {
      if onFile {
        try file.setAttribute("grid", grid)
      } else {
        try features.setAttribute("grid", grid)
      }
    }
    try file.write("image_id", ["a"])
    try file.close()
  }

  @Test("the grid is stated by an attribute or by the shape", arguments: [true, false])
  func gridIsStated(onFile: Bool) throws {
    try writeGrid([1, 6, 1], .integers([2, 3]), onFile: onFile)
    #expect(try PrecomputedFeatures(url).grid == PatchGrid(rows: 2, columns: 3))
    try writeGrid([1, 7, 1], .integers([2, 3, 1]), onFile: onFile)
    let features = try PrecomputedFeatures(url).features(of: [image("a")])
    #expect(features.grid(of: 0) == PatchGrid(rows: 2, columns: 3, leading: 1))
    try writeGrid([1, 2, 3, 2], nil)
    #expect(try PrecomputedFeatures(url).grid == PatchGrid(rows: 2, columns: 3))
    #expect(
      try PrecomputedFeatures(url).features(of: [image("a")]).values(0)
        == (0..<12).map(Float.init))
    try writeGrid([1, 2, 3, 2], .integers([2, 3]), onFile: onFile)
    #expect(refusal() == "(no error)")
  }

  @Test(
    "a grid that is not the tokens is refused",
    arguments: [
      .integers([2, 2]), .integers([3, 3]), .integers([-2, -3]), .integers([0, 6, 6]),
      .integers([1, 2, 3, 4]), .int(6), .string("2x3"),
    ] as [HDF5Attribute])
  func wrongGridIsRefused(grid: HDF5Attribute) throws {
    try writeGrid([1, 6, 1], grid)
    #expect(refusal().contains("the attribute grid must be rows, columns"))
    try writeGrid([1, 3, 2, 1], .integers([2, 3]))
    #expect(refusal().contains("the 6 tokens of features [1, 3, 2, 1]; it is [2, 3]."))
  }

  @Test("statistics say whether features are constant and whether images differ")
  func statistics() throws {
    try write([1, -1, 1, -1, 3, 3], shape: [3, 1, 2], ids: ["a", "b", "c"])
    let file = try PrecomputedFeatures(url)
    let same = try file.features(of: ["a", "b"].map(image)).statistics()
    #expect(!same.mediaDiffer && !same.isConstant)
    #expect((same.count, same.minimum, same.maximum) == (4, -1, 1))
    #expect(same.mean == 0 && same.rootMeanSquare == 1)
    let constant = try file.features(of: [image("c")]).statistics()
    #expect(constant.isConstant && constant.mean == 3)
    let all = try file.features(of: ["a", "b", "c"].map(image)).statistics()
    #expect(all.mediaDiffer && !all.isConstant)
  }
}
