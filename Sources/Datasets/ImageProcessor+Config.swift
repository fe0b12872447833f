import Foundation

extension ImageProcessor {
  /// Reads a model folder's `preprocessor_config.json`.
  ///
  /// Understood are the processors of DINOv2 (`BitImageProcessor`), SigLIP, CLIP, ViT and DeiT, by
  /// `image_processor_type` or the older `feature_extractor_type`, with sizes as numbers or objects. A
  /// "Fast" processor is computed as the slow one of the same name, whose pictures are Pillow's.
  ///
  /// - Throws: ``DatasetError`` if the file is absent, or asks for something else.
  public init(preprocessorConfig file: URL) throws(DatasetError) {
    let config = try PreprocessorFile(file)
    let family = try config.family()
    let crops = config.content.doCenterCrop ?? family.crops
    let resizes = config.content.doResize ?? true
    var resize: Resize?
    if resizes {
      resize = try config.resize(config.content.size ?? family.size, family)
    }
    let output: (width: Int, height: Int)
    if crops {
      output = try config.exact(config.content.cropSize ?? .side(224), "crop_size")
    } else if case .exact(let width, let height) = resize {
      output = (width, height)
    } else {
      throw config.error(
        "without do_center_crop the output's size changes from picture to picture",
        "Give an exact size: \"size\": {\"height\": H, \"width\": W}")
    }
    let normalizes = config.content.doNormalize ?? true
    let mean = config.content.imageMean ?? family.mean
    let deviation = config.content.imageStd ?? family.standardDeviation
    guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
      throw config.error(
        "image_mean and image_std must hold three values each, image_std positive ones",
        "Correct them")
    }
    self.init(
      outputWidth: output.width, outputHeight: output.height, resize: resize,
      filter: try config.filter(family), cropsToOutput: crops,
      rescaleFactor: config.content.doRescale ?? true
        ? config.content.rescaleFactor ?? 1 / 255 : 1,
      mean: normalizes ? mean : nil, standardDeviation: normalizes ? deviation : nil)
  }
}

/// A `preprocessor_config.json` as it stands.
private struct PreprocessorFile {
  struct Content: Decodable {
    var imageProcessorType: String?
    var featureExtractorType: String?
    var doResize: Bool?
    var size: Size?
    var resample: Int?
    var doCenterCrop: Bool?
    var cropSize: Size?
    var doRescale: Bool?
    var rescaleFactor: Double?
    var doNormalize: Bool?
    var imageMean: [Double]?
    var imageStd: [Double]?
  }

  /// `224`, `{"height": 224, "width": 224}` or `{"shortest_edge": 224}`.
  enum Size: Decodable {
    case side(Int)
    case object(Members)

    struct Members: Decodable {
      var height: Int?
      var width: Int?
      var shortestEdge: Int?
      var longestEdge: Int?
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let side = try? container.decode(Int.self) {
        self = .side(side)
      } else {
        self = .object(try container.decode(Members.self))
      }
    }
  }

  /// What a processor does unless its file says otherwise.
  struct Family {
    let size: Size
    /// A number alone is the short side, not both sides.
    let numberIsShortestEdge: Bool
    let filter: Int
    let crops: Bool
    let mean: [Double]
    let standardDeviation: [Double]
  }

  let file: URL
  let content: Content

  init(_ file: URL) throws(DatasetError) {
    self.file = file
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      content = try decoder.decode(Content.self, from: try Data(contentsOf: file))
    } catch let error as DecodingError {
      throw DatasetError(
        file: file.path,
        problem: "is not a preprocessor configuration: \(DatasetError.reason(of: error))",
        fix: "Take the file of the model's own folder")
    } catch {
      throw DatasetError(
        file: file.path, problem: "cannot be read: \(error.localizedDescription)",
        fix: "A model folder needs preprocessor_config.json; `hf download` fetches it")
    }
  }

  func error(_ problem: String, _ fix: String) -> DatasetError {
    DatasetError(file: file.path, problem: problem, fix: fix)
  }

  func family() throws(DatasetError) -> Family {
    let type = content.imageProcessorType ?? content.featureExtractorType ?? "none"
    let base = type.hasSuffix("Fast") ? String(type.dropLast(4)) : type
    let half = [0.5, 0.5, 0.5]
    switch base {
    case "BitImageProcessor", "CLIPImageProcessor", "CLIPFeatureExtractor":
      return Family(
        size: .side(224), numberIsShortestEdge: true, filter: 3, crops: true,
        mean: [0.48145466, 0.4578275, 0.40821073],
        standardDeviation: [0.26862954, 0.26130258, 0.27577711])
    case "SiglipImageProcessor":
      return Family(
        size: .side(224), numberIsShortestEdge: false, filter: 3, crops: false, mean: half,
        standardDeviation: half)
    case "ViTImageProcessor", "ViTFeatureExtractor":
      return Family(
        size: .side(224), numberIsShortestEdge: false, filter: 2, crops: false, mean: half,
        standardDeviation: half)
    case "DeiTImageProcessor", "DeiTFeatureExtractor":
      return Family(
        size: .side(256), numberIsShortestEdge: false, filter: 3, crops: true,
        mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
    default:
      throw error(
        "image_processor_type is \(type), which is not supported",
        "Supported are BitImageProcessor, SiglipImageProcessor, CLIPImageProcessor, "
          + "ViTImageProcessor and DeiTImageProcessor")
    }
  }

  func filter(_ family: Family) throws(DatasetError) -> ResampleFilter {
    switch content.resample ?? family.filter {
    case 2: return .bilinear
    case 3: return .bicubic
    case let number:
      throw error(
        "resample is \(number), which is not supported",
        "Supported are Pillow's 2 (bilinear) and 3 (bicubic)")
    }
  }

  func resize(_ size: Size, _ family: Family) throws(DatasetError) -> ImageProcessor.Resize {
    if case .side(let side) = size, family.numberIsShortestEdge {
      return .shortestEdge(try checked(side, "size"))
    }
    if case .object(let members) = size, let edge = members.shortestEdge {
      guard members.longestEdge == nil else {
        throw error(
          "size.longest_edge is not supported", "Supported are shortest_edge, or height and width")
      }
      return .shortestEdge(try checked(edge, "size.shortest_edge"))
    }
    let (width, height) = try exact(size, "size")
    return .exact(width: width, height: height)
  }

  func exact(_ size: Size, _ key: String) throws(DatasetError) -> (width: Int, height: Int) {
    switch size {
    case .side(let side):
      let side = try checked(side, key)
      return (side, side)
    case .object(let members):
      guard let width = members.width, let height = members.height else {
        throw error("\(key) must have height and width", "Correct it")
      }
      return (try checked(width, "\(key).width"), try checked(height, "\(key).height"))
    }
  }

  private func checked(_ side: Int, _ key: String) throws(DatasetError) -> Int {
    guard (1...16384).contains(side) else {
      throw error("\(key) must be between 1 and 16384 pixels, got \(side)", "Correct it")
    }
    return side
  }
}
