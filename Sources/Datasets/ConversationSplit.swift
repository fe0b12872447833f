import Configuration
import Tensors

/// How large a part is: a share of all, or a number.
public enum PartSize: Sendable, Equatable {
  /// Over 0, below 1.
  case fraction(Double)
  /// At least 1.
  case count(Int)

  /// The number for a whole of `all`; a share is rounded to the nearest.
  func count(of all: Int) -> Int {
    switch self {
    case .fraction(let fraction): Int((fraction * Double(all)).rounded())
    case .count(let count): count
    }
  }

  var words: String {
    switch self {
    case .fraction(let fraction): "\(fraction) of all"
    case .count(let count): "\(count)"
    }
  }
}

extension ValueType where Value == PartSize {
  /// A whole number from 1, or a share between 0 and 1.
  static var partSize: Self {
    .scalar(
      "a whole number from 1 or a share between 0 and 1",
      schema: [
        .init(
          "anyOf",
          .array([
            .object([.init("type", "integer"), .init("minimum", 1)]),
            .object([
              .init("type", "number"), .init("exclusiveMinimum", 0), .init("exclusiveMaximum", 1),
            ]),
          ]))
      ],
      .any,
      parse: { text in
        if let count = Int(text) { return count >= 1 ? .count(count) : nil }
        guard let fraction = Double(text), fraction > 0, fraction < 1 else { return nil }
        return .fraction(fraction)
      },
      encode: { size in
        switch size {
        case .fraction(let fraction): .plain("\(fraction)")
        case .count(let count): .plain("\(count)")
        }
      })
  }
}

/// How conversations become parts: `split:`.
///
/// Conversations that share an image, or are connected by others that do, are a group and stay together. The
/// groups are shuffled; each goes to the test part if it still fits there, else to the validation part if it
/// fits there, else to the training part. So more training conversations change no test conversation, and a
/// part may miss a few of what was asked for where groups are large.
public struct ConversationSplitConfig: ConfigSection {
  /// nil: all that are left.
  public var train: PartSize?
  public var validation = PartSize.fraction(0.05)
  public var test = PartSize.fraction(0.1)
  public var seed = 0

  public init() {}

  public init(train: PartSize?, validation: PartSize, test: PartSize, seed: Int = 0) {
    self.train = train
    self.validation = validation
    self.test = test
    self.seed = seed
  }

  public static let fields: [Field<Self>] = [
    Field(
      "train", \.train, .optional(.partSize),
      "Training conversations, a number or a share of all; null: all that are left."),
    Field(
      "validation", \.validation, .partSize, "Those that choose the checkpoint, likewise."),
    Field("test", \.test, .partSize, "Those that are reported on, likewise."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the choice."),
  ]

  var words: String {
    "\(train?.words ?? "all other") train, \(validation.words) validation, \(test.words) test, seed \(seed)"
  }

  /// Cuts examples into parts that share no image.
  ///
  /// The shuffle is that of the groups in the order of their first example, with the stream of
  /// `RandomKey(seed).named("split")`; examples of a group keep their order.
  ///
  /// - Parameter file: What an error names.
  /// - Throws: ``DatasetError`` if the parts ask for more than there is, or one would be empty.
  func cut(
    _ examples: [Example], file: String
  ) throws(DatasetError) -> (train: [Example], validation: [Example], test: [Example]) {
    let all = examples.count
    let (tests, validations) = (test.count(of: all), validation.count(of: all))
    let trains = train?.count(of: all)
    guard tests + validations + (trains ?? 1) <= all else {
      throw DatasetError(
        file: file,
        problem: "dataset.split does not fit (\(words)): there are only \(all) conversations",
        fix: "Ask for fewer")
    }
    var parts: (train: [Int], validation: [Int], test: [Int]) = ([], [], [])
    let groups = Self.groups(of: examples)
    var stream = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("split").stream
    for group in stream.permutation(groups.count).map({ groups[$0] }) {
      if parts.test.count + group.count <= tests {
        parts.test += group
      } else if parts.validation.count + group.count <= validations {
        parts.validation += group
      } else {
        parts.train += group
      }
    }
    for (name, part) in [
      ("training", parts.train), ("validation", parts.validation), ("test", parts.test),
    ] where part.isEmpty {
      throw DatasetError(
        file: file,
        problem:
          "dataset.split (\(words)) leaves no \(name) conversation: conversations that share an "
          + "image stay together, and the \(all) are only \(groups.count) groups",
        fix: "Ask for another split, or bring more conversations")
    }
    func chosen(_ places: [Int]) -> [Example] { places.map { examples[$0] } }
    return (
      chosen(Array(parts.train.prefix(trains ?? all))), chosen(parts.validation), chosen(parts.test)
    )
  }

  /// Places of examples that share an image, directly or by others.
  private static func groups(of examples: [Example]) -> [[Int]] {
    var union = UnionFind(count: examples.count)
    var first: [Identifier: Int] = [:]
    for (place, example) in examples.enumerated() {
      for medium in example.media {
        union.join(place, first[medium.id, default: place])
        if first[medium.id] == nil { first[medium.id] = place }
      }
    }
    return union.groups
  }
}
