import Configuration

/// Scores of one or several candidate files against the same references.
public struct ScoreReport: Sendable {
  /// One candidate file.
  public struct Candidate: Sendable {
    public let name: String
    public let scores: [MetricScores]
    /// Intervals of the scores; empty unless asked for.
    public let intervals: [Interval]
    public let diversity: CaptionDiversity?
  }

  /// Two candidate files on one metric.
  public struct Comparison: Sendable {
    public let a: String
    public let b: String
    public let result: NestedComparison
    /// Holm's correction over the pairs of files.
    public let pHolm: Double
  }

  public let images: [Identifier]
  public let candidates: [Candidate]
  public let comparisons: [Comparison]

  /// What is scored and how.
  public struct Options: Sendable {
    public var metrics: [any CaptionMetric]
    public var diversity = true
    /// Whether intervals are made; comparisons have theirs anyway.
    public var intervals = false
    /// Scores only images that every candidate file has.
    public var subset = false
    public var resamples = 10_000
    public var seed: UInt64 = 0
    public var threads: Int

    public init(metrics: [any CaptionMetric], threads: Int) {
      self.metrics = metrics
      self.threads = threads
    }
  }

  /// Reads and scores files.
  ///
  /// - Parameters:
  ///   - references: A file of references.
  ///   - candidates: Files of candidates; two or more are compared.
  ///   - options: What is scored and how.
  ///   - progress: Called with the share done, from 0 to 1, and what is done next.
  /// - Throws: ``CaptionFileError`` or ``CaptionSetError``.
  public init(
    references path: String, candidates paths: [String], options: Options,
    progress: @escaping @Sendable (Double, String) -> Void = { _, _ in }
  ) throws {
    precondition(!paths.isEmpty && options.resamples > 0)
    let pairs = paths.count * (paths.count - 1) / 2
    let isResampled = options.intervals || paths.count > 1
    let perFile = 2 + options.metrics.count + (isResampled ? 1 : 0)
    let steps = Double(1 + paths.count * perFile + pairs)
    var done = 0.0
    /// Begins a step; what it returns says how much of the step is done.
    func step(_ text: String) -> @Sendable (Double) -> Void {
      let start = done
      done += 1
      progress(start / steps, text)
      return { progress((start + $0) / steps, text) }
    }
    _ = step("reading captions")
    let references = try CaptionFile(path: path, role: .references)
    let files = try paths.map { try CaptionFile(path: $0, role: .candidates) }
    let images = try Self.images(references, files, subset: options.subset)
    let names = Self.names(paths)
    let bootstrap = Bootstrap(resamples: options.resamples, seed: options.seed)
    var candidates: [Candidate] = []
    var resampled: [ResampledScores] = []
    for (file, name) in zip(files, names) {
      _ = step("\(name): tokens")
      let set = try CaptionSet(
        ids: images, candidates: images.map { file.captions(of: $0)?.first ?? "" },
        references: images.map { references.captions(of: $0) ?? [] }, threads: options.threads)
      _ = step("\(name): n-grams")
      let counted = CountedCaptions(set)
      var scores: [MetricScores] = []
      for metric in options.metrics {
        _ = step("\(name): \(type(of: metric))")
        scores += metric.scores(for: counted, threads: options.threads)
      }
      if isResampled {
        resampled.append(
          bootstrap.resample(
            scores.map { NestedScores($0) }, threads: options.threads,
            progress: step("\(name): intervals")))
      }
      candidates.append(
        Candidate(
          name: name, scores: scores,
          intervals: options.intervals ? resampled.last?.estimates.map(\.ci95) ?? [] : [],
          diversity: options.diversity ? CaptionDiversity(counted) : nil))
    }
    self.images = images
    self.candidates = candidates
    comparisons = Self.compare(names, resampled, options, step)
    progress(1, "done")
  }

  /// The images to score, in the order of the references.
  private static func images(
    _ references: CaptionFile, _ files: [CaptionFile], subset: Bool
  ) throws -> [Identifier] {
    for file in files {
      // An image that is only listed has no captions.
      let unknown = file.images.filter { references.captions(of: $0) == nil }
      guard unknown.isEmpty else {
        throw CaptionFileError.unknown(
          file: file.path, images: unknown, references: references.path)
      }
      let missing = references.images.filter { file.captions(of: $0) == nil }
      guard subset || missing.isEmpty else {
        throw CaptionFileError.missing(file: file.path, images: missing)
      }
    }
    let images = references.images.filter { image in
      files.allSatisfy { $0.captions(of: image) != nil }
    }
    let bare = images.filter { references.captions(of: $0)?.isEmpty ?? true }
    guard bare.isEmpty else {
      throw CaptionFileError.noReference(file: references.path, images: bare)
    }
    return images
  }

  /// The shortest ends of paths that tell them apart.
  private static func names(_ paths: [String]) -> [String] {
    let parts = paths.map { $0.split(separator: "/") }
    for count in 1...(parts.map(\.count).max() ?? 1) {
      let names = parts.map { $0.suffix(count).joined(separator: "/") }
      if Set(names.map { Identifier($0) }).count == names.count { return names }
    }
    // The same file twice.
    return paths.enumerated().map { "\($0.element) (\($0.offset + 1))" }
  }

  /// All pairs on all metrics, corrected over the pairs of each metric.
  private static func compare(
    _ names: [String], _ files: [ResampledScores], _ options: Options,
    _ step: (String) -> @Sendable (Double) -> Void
  ) -> [Comparison] {
    let test = PairedTest(trials: options.resamples)
    var pairs: [(a: String, b: String, results: [NestedComparison])] = []
    for a in files.indices {
      for b in files.indices.dropFirst(a + 1) {
        let results = test.compare(
          files[a], files[b], threads: options.threads,
          progress: step("\(names[a]) and \(names[b])"))
        pairs.append((names[a], names[b], results))
      }
    }
    guard let first = pairs.first else { return [] }
    return first.results.indices.flatMap { metric in
      let corrected = Summaries.holm(pairs.map { $0.results[metric].p })
      return zip(pairs, corrected).map { pair, p in
        Comparison(a: pair.a, b: pair.b, result: pair.results[metric], pHolm: p)
      }
    }
  }
}
