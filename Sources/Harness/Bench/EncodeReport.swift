import Configuration
import Datasets
import Encoders
import Reports
import Storage
import Tensors

/// What `dragoman bench encode` prints.
public struct EncodeReport: Encodable, Sendable {
  public var model: String
  public var weights: String
  public var encoder: String
  public var parameters: Int
  public var tokens: Int
  public var width: Int
  public var images: Int
  public var threads: Int
  /// Pixels to features, images one by one as the feature store takes them.
  public var imagesPerSecond: Double
  public var processorSecondsPerImage: Double
  public var flopsPerImage: Double
  public var flopsPerSecond: Double
  /// The same with each picture resized and normalised first; decoding a file is in neither.
  public var imagesPerSecondWithResizing: Double
  public var pictureWidth: Int
  public var pictureHeight: Int
  public var peakMemoryBytes: Int
  /// What multiplies, and its kernels.
  public var products: String
  public var precision: String

  /// Encodes made-up pictures of a photograph's size.
  ///
  /// - Parameters:
  ///   - images: how many.
  ///   - batch: images that a thread takes at a time; each still runs alone.
  public init(
    _ model: BenchmarkModel, images: Int, batch: Int, precision: ComputePrecision, threads: Int
  ) throws {
    let executor = LaneExecutor(threads: threads)
    let encoder = try model.encoder(precision: precision, executor: executor)
    let processor = encoder.processor
    let picture = Self.picture(width: 500, height: 375)
    let pixels = processor(picture)
    let pool = BufferPool()
    let groups = stride(from: 0, to: images, by: batch).map { min(batch, images - $0) }
    @Sendable func encode(resizing: Bool, _ groups: [Int]) {
      executor.run(count: groups.count) { index in
        let tape = Tape(pool: pool, recordsGradients: false)
        for _ in 0..<groups[index] {
          let input = resizing ? processor(picture) : pixels
          let image = PixelValues(
            input, height: processor.outputHeight, width: processor.outputWidth)
          _ = encoder.model.patches(
            of: [image], layer: .last, classToken: true, in: Context(tape: tape))
          tape.reset()
        }
      }
    }
    encode(resizing: true, [Int](repeating: 1, count: threads))
    let watch = Stopwatch()
    encode(resizing: false, groups)
    let (seconds, processorSeconds) = (watch.seconds, watch.processorSeconds)
    let resizing = Stopwatch()
    encode(resizing: true, groups)
    let withResizing = resizing.seconds
    self.model = model.folder.reference
    weights = model.weights.rawValue
    self.encoder = encoder.description.encoder
    parameters = encoder.model.parameterCount
    tokens = encoder.model.tokens(height: processor.outputHeight, width: processor.outputWidth)
    width = encoder.model.width
    self.images = images
    self.threads = threads
    imagesPerSecond = Double(images) / seconds
    processorSecondsPerImage = processorSeconds / Double(images)
    flopsPerImage = encoder.model.forwardFLOPs(
      height: processor.outputHeight, width: processor.outputWidth)
    flopsPerSecond = flopsPerImage * imagesPerSecond
    imagesPerSecondWithResizing = Double(images) / withResizing
    pictureWidth = picture.width
    pictureHeight = picture.height
    peakMemoryBytes = KernelInformation.peakMemoryBytes
    products = precision.productsText
    self.precision = precision.rawValue
  }

  /// A smooth picture with some grain: no two neighbours alike, as in a photograph.
  private static func picture(width: Int, height: Int) -> RGBImage {
    var stream = RandomKey(seed: 0).named("picture").stream
    let pixels = (0..<width * height * 3).map { index in
      UInt8((index / 3 % width / 4 + index / 3 / width / 4 + stream.integer(below: 32)) & 255)
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  public var text: String {
    var lines = LabelledLines()
    let rate = NumberFormat.significant(3)
    lines.add(
      "images a second",
      "\(rate.text(imagesPerSecond)) from pixels; \(rate.text(imagesPerSecondWithResizing)) with "
        + "\(pictureWidth)×\(pictureHeight) pictures resized and normalised first; no files decoded"
    )
    lines.add(
      "processor seconds", "\(NumberFormat.decimals(4).text(processorSecondsPerImage)) an image")
    lines.add("work of an image", NumberFormat.amount(flopsPerImage, "FLOP"))
    lines.add("rate", NumberFormat.amount(flopsPerSecond, "FLOP/s") + ", \(products)")
    lines.add("memory", "\(NumberFormat.bytes(peakMemoryBytes)) at peak")
    return "Encoder \(encoder), \(model) (weights: \(weights)):\n"
      + "\(images) images, \(tokens) tokens × \(width) each; "
      + "\(NumberFormat.integer.text(Double(parameters))) parameters; \(threads) threads\n"
      + lines.text
  }
}
