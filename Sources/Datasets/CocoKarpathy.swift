import Configuration
import Foundation

/// Settings of `kind: coco_karpathy`: COCO with Karpathy's split (Karpathy and Li 2015, arXiv:1412.2306).
///
/// The images of `dataset_coco.json` are marked train, restval, val or test. The 30,504 of `restval` come
/// from COCO's validation images and count as training images only if asked for; the description says which.
public struct CocoKarpathyConfig: DatasetSettings {
  /// `dataset_coco.json`.
  public var annotations = ConfigPath()
  /// The folder that holds `train2014/`, `val2014/` or as the file's `filepath` says.
  public var root = ConfigPath()
  public var restval = true
  /// Images of each part, out of Karpathy's own lists; `nil` takes them whole.
  public var split: SplitConfig? = SplitConfig()
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("annotations", \.annotations, "Karpathy's `dataset_coco.json`.").required,
    .path("root", \.root, "The folder that holds `train2014/`, `val2014/`, …").required,
    .bool("restval", \.restval, "Whether the 30,504 images of `restval` count as training images."),
    .section("split", \.split, "Images of each part, out of Karpathy's own; null: all of them."),
    .integer("captions_per_image", \.captionsPerImage, .range(1...7), "The first n are used."),
  ]

  public var summary: String {
    "\(split?.summary ?? "Karpathy's own lists"); \(captionsPerImage) captions each"
  }

  public func read() throws(DatasetError) -> [ExampleSet] {
    let file = annotations.path
    let images = try KarpathyFile.read(annotations.url).images
    var lists: [String: [ImageRecord]] = [:]
    var names: Set<Identifier> = []
    var ids: Set<Identifier> = []
    for (index, image) in images.enumerated() {
      func error(_ problem: String, _ fix: String) -> DatasetError {
        DatasetError(file: file, problem: "images[\(index)]: \(problem)", fix: fix)
      }
      let folder = image.filepath.map { $0.isEmpty ? "" : $0 + "/" } ?? ""
      let name = Identifier(folder + image.filename)
      try ImageFolder.check(name, file: file, line: nil)
      guard ["train", "restval", "val", "test"].contains(image.split) else {
        throw error(
          "split is \"\(image.split)\", which is none of train, restval, val, test",
          "Take Karpathy's dataset_coco.json")
      }
      guard names.insert(name).inserted else {
        throw error("\(name) occurs twice", "Leave it in once")
      }
      let id = image.cocoid.map { Identifier("\($0)") } ?? name
      guard ids.insert(id).inserted else {
        throw error("the cocoid \(id) is another image's", "Give every image its own")
      }
      let captions = image.sentences.map {
        $0.raw.trimmingCharacters(in: .whitespacesAndNewlines)
      }.filter { !$0.isEmpty }
      lists[image.split, default: []].append(
        ImageRecord(name: name, id: id, captions: captions, file: file, line: nil))
    }
    let restval = self.restval ? lists["restval"] ?? [] : []
    let train = self.restval ? "train and restval (\(restval.count))" : "train without restval"
    return try ImageRecords.official(
      RecordParts(
        train: (lists["train"] ?? []) + restval, validation: lists["val"] ?? [],
        test: lists["test"] ?? []),
      file: file
    ).sets(
      name: "coco-karpathy", description: "COCO, Karpathy's split, training images: \(train)",
      split.map(ImageParts.split) ?? .official, images: ImageFolder(url: root.url),
      captionsPerImage: captionsPerImage)
  }
}

/// The members of `dataset_coco.json` that are used.
private struct KarpathyFile: Decodable {
  struct Image: Decodable {
    struct Sentence: Decodable { let raw: String }

    let filepath: String?
    let filename: String
    let split: String
    let cocoid: Int?
    let sentences: [Sentence]
  }

  let images: [Image]

  static func read(_ url: URL) throws(DatasetError) -> KarpathyFile {
    let text = try TextFile(url, role: "COCO's captions with Karpathy's split")
    do { return try JSONDecoder().decode(KarpathyFile.self, from: Data(text.bytes)) } catch {
      throw text.error(
        nil, "is not Karpathy's dataset_coco.json: \(DatasetError.reason(of: error))",
        "Take the file as published")
    }
  }
}
