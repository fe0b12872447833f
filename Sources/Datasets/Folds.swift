import Configuration
import Foundation
import Storage
import Tensors

extension ExampleSet {
  /// Cuts all examples into folds, whatever part they stand in.
  ///
  /// The images are shuffled; some are held out as the validation images of every fold, the others are
  /// cut. Fold k tests on its own images and trains on those of the other folds, so every image outside
  /// the hold-out is tested once. Near duplicates (``NearDuplicates``) and media of one example stay
  /// together. The sizes are as even as that allows: without duplicates they differ by at most one. The
  /// hold-out takes groups in the shuffled order as long as they fit, so it may miss a few images of what
  /// was asked for if the last groups are large.
  ///
  /// The shuffle is that of the groups in the order of the set, with the stream of
  /// `RandomKey(seed).named("folds")`.
  ///
  /// - Parameter file: What an error names.
  /// - Returns: One set for each fold, all with the same ``media`` in the same order.
  /// - Throws: ``DatasetError`` if a fold or the hold-out would be empty, or a file cannot be read.
  public func folds(_ config: FoldsConfig, file: String) throws(DatasetError) -> [ExampleSet] {
    func error(_ problem: String, _ fix: String) -> DatasetError {
      DatasetError(file: file, problem: problem, fix: fix)
    }
    guard media.count >= config.holdout + config.count else {
      throw error(
        "dataset.folds asks for a holdout of \(config.holdout) and \(config.count) folds, but there "
          + "are only \(media.count) images", "Ask for fewer folds or a smaller holdout")
    }
    let groups = try NearDuplicates.groups(of: self)
    let key = RandomKey(seed: UInt64(bitPattern: Int64(config.seed))).named("folds")
    var stream = key.stream
    let shuffled = stream.permutation(groups.count).map { groups[$0] }

    var held = 0
    // Of each medium: its part of the cut, -1 for the hold-out.
    var folds = [Int](repeating: -1, count: media.count)
    var rest: [[Int]] = []
    for group in shuffled {
      if held + group.count <= config.holdout {
        held += group.count
      } else {
        rest.append(group)
      }
    }
    // Large groups first, then evened out by small ones; equal sizes keep the shuffled order.
    var sizes = [Int](repeating: 0, count: config.count)
    let order = rest.indices.sorted { (rest[$1].count, $0) < (rest[$0].count, $1) }
    for group in order.map({ rest[$0] }) {
      guard let smallest = sizes.indices.min(by: { sizes[$0] < sizes[$1] }) else { break }
      sizes[smallest] += group.count
      for medium in group { folds[medium] = smallest }
    }
    guard held > 0, !sizes.contains(0) else {
      throw error(
        "near duplicates stay together, and the \(media.count) images are only \(groups.count) groups: "
          + "too few for a holdout of \(config.holdout) and \(config.count) folds",
        "Ask for fewer folds or another holdout, or take copies out")
    }

    let large = groups.filter { $0.count > 1 }
    let copies = large.isEmpty ? [] : [Self.note(ofNearDuplicates: large.map(\.count))]
    let notes = self.notes + copies
    let placed = placedExamples(in: shuffled).map { ($0, folds[$1]) }
    func examples(_ keep: (Int) -> Bool) -> [Example] {
      placed.filter { keep($0.1) }.map(\.0)
    }
    return sizes.indices.map { fold in
      recut(
        description: "\(description), fold \(fold + 1) of \(config.words)", notes: notes,
        train: examples { $0 != fold && $0 >= 0 }, validation: examples { $0 < 0 },
        test: examples { $0 == fold })
    }
  }

  private static func note(ofNearDuplicates sizes: [Int]) -> String {
    "\(sizes.reduce(0, +)) images are near duplicates of another (\(sizes.count) "
      + "\(sizes.count == 1 ? "group" : "groups"), at most \(sizes.max() ?? 0) images in one) and stay "
      + "together in a fold."
  }

  /// All examples in the order of the groups of media, each with its first medium.
  private func placedExamples(in groups: [[Int]]) -> [(Example, medium: Int)] {
    var byMedium: [[Example]] = Array(repeating: [], count: media.count)
    for example in examples {
      if let place = example.media.first.flatMap({ self.place(of: $0.id) }) {
        byMedium[place].append(example)
      }
    }
    return groups.joined().flatMap { medium in byMedium[medium].map { ($0, medium) } }
  }
}

/// Which media of a data set may not be told apart, as far as their names, captions and bytes say.
///
/// Two media are near duplicates if
/// - an answer without a question is the same for both and has five words or more, once put in lower case
///   and without punctuation: people who wrote the same long sentence most likely saw the same picture, or
///   one of a series;
/// - their ids are equal but for letter case, the form of Unicode and the file's extension (`a.jpg`, `a.png`);
/// - their content is equal byte by byte;
/// - one example holds both.
///
/// A near duplicate of a near duplicate is one too: groups are what these relations connect.
enum NearDuplicates {
  /// Shorter captions ("a dog runs") fit pictures that have nothing to do with each other.
  static let words = 5

  /// The groups of places in the set's media, in the order of their first medium; each place in one.
  ///
  /// - Throws: ``DatasetError`` if a file cannot be read.
  static func groups(of set: ExampleSet) throws(DatasetError) -> [[Int]] {
    var union = UnionFind(count: set.media.count)
    var seen: [Identifier: Int] = [:]
    func join(_ place: Int, _ key: String) {
      union.join(place, seen[Identifier(key), default: place])
      seen[Identifier(key)] = seen[Identifier(key)] ?? place
    }
    for example in set.examples {
      let places = example.media.compactMap { set.place(of: $0.id) }
      for place in places {
        union.join(place, places[0])
        for answer in example.exchanges where answer.question == nil {
          for caption in answer.answers {
            if let key = normalized(caption) { join(place, "caption \(key)") }
          }
        }
      }
    }
    for (place, medium) in set.media.enumerated() {
      let name = medium.id.text.precomposedStringWithCanonicalMapping.lowercased()
      join(place, "name \((name as NSString).deletingPathExtension)")
    }
    for (place, digest) in try digestsOfEqualSizes(set.media) { join(place, "bytes \(digest)") }
    return union.groups
  }

  /// A caption in lower case without punctuation, single spaces; nil below five words.
  static func normalized(_ caption: String) -> String? {
    let letters = caption.precomposedStringWithCanonicalMapping.lowercased().unicodeScalars.map {
      $0.properties.isWhitespace ? " " : $0
    }.filter { $0 == " " || $0.properties.isAlphabetic || $0.properties.numericType != nil }
    let words = letters.split(separator: " ")
    guard words.count >= Self.words else { return nil }
    return words.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
  }

  /// Digests of those media whose sizes are not unlike all others'.
  private static func digestsOfEqualSizes(
    _ media: [Medium]
  ) throws(DatasetError) -> [(place: Int, digest: String)] {
    var bySize: [Int: [Int]] = [:]
    for (place, medium) in media.enumerated() {
      switch medium.source {
      case .file(let url), .soundFile(let url):
        let values = try? url.resourceValues(forKeys: [.fileSizeKey])
        bySize[values?.fileSize ?? -1, default: []].append(place)
      // Their digests cost nothing.
      case .drawing: bySize[-2, default: []].append(place)
      case .sound(let audio): bySize[audio.samples.count, default: []].append(place)
      }
    }
    var digests: [(place: Int, digest: String)] = []
    for place in bySize.values.filter({ $0.count > 1 }).joined().sorted() {
      do { digests.append((place, try media[place].digest())) } catch {
        throw DatasetError(
          file: error.path, problem: "cannot be read: \(error)", fix: "Correct it, or leave it out")
      }
    }
    return digests
  }
}

/// Disjoint sets of 0..<count (Galler and Fischer 1964), paths halved as they are walked.
struct UnionFind {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  private mutating func root(_ place: Int) -> Int {
    var place = place
    while parents[place] != place {
      parents[place] = parents[parents[place]]
      place = parents[place]
    }
    return place
  }

  /// The smaller root stays, so a set's root is its first member.
  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    parents[max(a, b)] = min(a, b)
  }

  /// Members in rising order, sets in the order of their first member.
  var groups: [[Int]] {
    var copy = self
    var members: [Int: [Int]] = [:]
    for place in parents.indices { members[copy.root(place), default: []].append(place) }
    return members.sorted { $0.key < $1.key }.map(\.value)
  }
}
