import Foundation
import Storage

/// Turns a picture into an encoder's input: resize, centre crop, rescale, normalise.
///
/// Equal to the slow image processors of Hugging Face transformers (BitImageProcessor for DINOv2,
/// SiglipImageProcessor, CLIPImageProcessor, ViTImageProcessor): to the byte before rescaling, to
/// float32 rounding after it.
public struct ImageProcessor: Sendable, Equatable {
  /// How large the picture becomes before it is cropped.
  public enum Resize: Sendable, Equatable {
    /// Exactly this size; the shape of things is not kept.
    case exact(width: Int, height: Int)
    /// The short side becomes this long, the long side keeps the shape (cut to whole pixels).
    case shortestEdge(Int)
  }

  /// What comes out, in pixels.
  public let outputWidth: Int
  public let outputHeight: Int
  /// `nil` leaves the picture's size.
  public let resize: Resize?
  public let filter: ResampleFilter
  /// Cuts the middle out, or pads with black where the picture is smaller.
  public let cropsToOutput: Bool
  public let rescaleFactor: Double
  /// Per channel red, green, blue; `nil` does not normalise.
  public let mean: [Double]?
  public let standardDeviation: [Double]?

  /// - Precondition: sizes are positive, `mean` and `standardDeviation` have three values or none,
  ///   and the output's size is that of the crop or of an exact resize.
  public init(
    outputWidth: Int, outputHeight: Int, resize: Resize?, filter: ResampleFilter = .bicubic,
    cropsToOutput: Bool = true, rescaleFactor: Double = 1 / 255, mean: [Double]?,
    standardDeviation: [Double]?
  ) {
    precondition(outputWidth > 0 && outputHeight > 0, "an image processor needs an output size")
    precondition(
      (mean?.count ?? 3) == 3 && (standardDeviation?.count ?? 3) == 3
        && (mean == nil) == (standardDeviation == nil),
      "mean and standard deviation have three values each, or neither is given")
    precondition(
      cropsToOutput || resize == nil
        || resize == .exact(width: outputWidth, height: outputHeight),
      "without a crop the output is as large as an exact resize makes it")
    self.outputWidth = outputWidth
    self.outputHeight = outputHeight
    self.resize = resize
    self.filter = filter
    self.cropsToOutput = cropsToOutput
    self.rescaleFactor = rescaleFactor
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Whether every picture comes out as large as it is; the output's size is then that of the largest.
  public var keepsSizes: Bool { resize == nil && !cropsToOutput }

  /// The picture after resize and crop, before rescaling: `outputWidth × outputHeight`, or its own size
  /// (``keepsSizes``).
  public func resized(_ image: RGBImage) -> RGBImage {
    var result = image
    switch resize {
    case .exact(let width, let height):
      result = ImageResampler.resize(image, width: width, height: height, filter)
    case .shortestEdge(let edge):
      let (width, height) = Self.size(of: image, shortestEdge: edge)
      result = ImageResampler.resize(image, width: width, height: height, filter)
    case nil: break
    }
    if cropsToOutput { result = Self.cropped(result, width: outputWidth, height: outputHeight) }
    precondition(
      keepsSizes || result.width == outputWidth && result.height == outputHeight,
      "the processor's output is \(outputWidth)×\(outputHeight), the picture \(image.width)×\(image.height)"
    )
    return result
  }

  /// The encoder's input, shape `[3, height, width]` of ``resized(_:)``.
  public func callAsFunction(_ image: RGBImage) -> [Float] { pixelValues(of: resized(image)) }

  /// Rescales and normalises: `[3, height, width]` of a picture that has been resized.
  public func pixelValues(of image: RGBImage) -> [Float] {
    let table = channelTables()
    let area = image.width * image.height
    return [Float](unsafeUninitializedCapacity: 3 * area) { output, count in
      image.pixels.withUnsafeBufferPointer { input in
        table.withUnsafeBufferPointer { table in
          for channel in 0..<3 {
            for pixel in 0..<area {
              output[channel * area + pixel] =
                table[channel * 256 + Int(input[pixel * 3 + channel])]
            }
          }
        }
      }
      count = 3 * area
    }
  }

  /// What each byte becomes, `[3, 256]`: rescaled in float64, then normalised in float32, as numpy does.
  private func channelTables() -> [Float] {
    (0..<3).flatMap { channel in
      (0..<256).map { byte in
        let value = Float(Double(byte) * rescaleFactor)
        guard let mean, let standardDeviation else { return value }
        return (value - Float(mean[channel])) / Float(standardDeviation[channel])
      }
    }
  }

  /// Everything the values depend on: a part of the key of cached features.
  public var description: String {
    let size =
      switch resize {
      case .exact(let width, let height): "resize \(width)x\(height) \(filter.rawValue)"
      case .shortestEdge(let edge): "resize shortest edge \(edge) \(filter.rawValue)"
      case nil: "no resize"
      }
    let crop = cropsToOutput ? "crop \(outputWidth)x\(outputHeight)" : "no crop"
    let normalize =
      if let mean, let standardDeviation { "mean \(mean) std \(standardDeviation)" } else {
        "not normalized"
      }
    return "rgb; \(size); \(crop); rescale \(rescaleFactor); \(normalize)"
  }

  /// As transformers' `get_resize_output_image_size` computes it, in double precision.
  static func size(of image: RGBImage, shortestEdge: Int) -> (width: Int, height: Int) {
    let long = max(image.width, image.height)
    let short = min(image.width, image.height)
    let newLong = Int(Double(shortestEdge * long) / Double(short))
    return image.width <= image.height ? (shortestEdge, newLong) : (newLong, shortestEdge)
  }

  /// The middle of the picture, black where it has none.
  ///
  /// The picture is first laid on a canvas as large as the larger of the two, the smaller half of the
  /// spare pixels behind it; source: transformers' `center_crop`.
  static func cropped(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    if width == image.width && height == image.height { return image }
    // Position of the crop's first pixel in the picture; negative where it is padded in front.
    func start(_ side: Int, _ crop: Int) -> Int {
      let padding = (max(crop - side, 0) + 1) / 2
      let offset = side >= crop ? (side - crop) / 2 : -((crop - side + 1) / 2)
      return max(0, offset + padding) - padding
    }
    let left = start(image.width, width)
    let top = start(image.height, height)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    let columns = max(0, -left)..<min(width, image.width - left)
    for y in max(0, -top)..<min(height, image.height - top) {
      let source = ((y + top) * image.width + columns.lowerBound + left) * 3
      let target = (y * width + columns.lowerBound) * 3
      let count = columns.count * 3
      pixels[target..<(target + count)] = image.pixels[source..<(source + count)]
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}
