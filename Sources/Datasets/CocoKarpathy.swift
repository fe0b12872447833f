import Foundation

extension CaptionDataset {
  /// Reads COCO with Karpathy's split (Karpathy and Li 2015, arXiv:1412.2306): `dataset_coco.json`.
  ///
  /// Its images are marked train, restval, val or test. The 30,504 of `restval` come from COCO's
  /// validation images and count as training images only if `usesRestval`; the description says which.
  ///
  /// - Parameters:
  ///   - annotations: `dataset_coco.json`.
  ///   - root: The folder that holds `train2014/`, `val2014/` or as the file's `filepath` says.
  ///   - split: Images of each part, out of Karpathy's own lists; `nil` takes them whole.
  /// - Throws: ``DatasetError`` naming the file and the image.
  public static func cocoKarpathy(
    annotations: URL, root: URL, usesRestval: Bool, split: ImageSplit?, captionsPerImage: Int = 5
  ) throws(DatasetError) -> CaptionDataset {
    let file = annotations.path
    let images = try KarpathyFile.read(annotations).images
    var lists: [String: [ImageRecord]] = [:]
    var names: Set<String> = []
    for (index, image) in images.enumerated() {
      func error(_ problem: String, _ fix: String) -> DatasetError {
        DatasetError(file: file, problem: "images[\(index)]: \(problem)", fix: fix)
      }
      let folder = image.filepath.map { $0.isEmpty ? "" : $0 + "/" } ?? ""
      let name = folder + image.filename
      try ImageFolder.check(name, file: file, line: nil)
      guard ["train", "restval", "val", "test"].contains(image.split) else {
        throw error(
          "split is \"\(image.split)\", which is none of train, restval, val, test",
          "Take Karpathy's dataset_coco.json")
      }
      guard names.insert(name).inserted else {
        throw error("\(name) occurs twice", "Leave it in once")
      }
      let captions = image.sentences.map {
        $0.raw.trimmingCharacters(in: .whitespacesAndNewlines)
      }.filter { !$0.isEmpty }
      lists[image.split, default: []].append(
        ImageRecord(
          name: name, id: image.cocoid.map { "\($0)" } ?? name, captions: captions, file: file,
          line: nil))
    }
    let restval = usesRestval ? lists["restval"] ?? [] : []
    let parts = try RecordParts(
      train: (lists["train"] ?? []) + restval, validation: lists["val"] ?? [],
      test: lists["test"] ?? [], split, file: file)
    let train =
      usesRestval ? "train and restval (\(restval.count))" : "train without restval"
    let cut = split.map { " (\($0.description))" } ?? ""
    return try parts.dataset(
      name: "coco-karpathy",
      description: "COCO, Karpathy's split, training images: \(train)\(cut), "
        + "first \(captionsPerImage) captions",
      images: ImageFolder(url: root), captionsPerImage: captionsPerImage)
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
