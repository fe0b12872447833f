import Foundation

/// The figures that a report page knows a place for, beside those of every run: each a file of a fixed name, shown
/// where a run has it.
public enum ReportFigure: String, Sendable, CaseIterable {
  case stageCurves = "stage-curves"
  case answers
  case predictions
  case similarity
  case features
  case tokensAmongWords = "tokens-among-words"
  case patchGrid = "patch-grid"
  case resolution
  case tokenBudget = "token-budget"
  case fineDetail = "fine-detail"

  /// Relative to the results folder.
  public var path: String { "figures/\(rawValue).png" }

  /// The section that it stands in.
  var section: String {
    switch self {
    case .stageCurves: "Training"
    case .answers, .predictions: "Answers"
    case .similarity, .features, .tokensAmongWords: "Alignment"
    case .patchGrid: "What the encoder sees"
    case .resolution, .tokenBudget: "Cost and score"
    case .fineDetail: "Fine detail"
    }
  }

  var caption: String {
    switch self {
    case .stageCurves: "Loss and accuracy of each stage; training dashed, validation solid."
    case .answers: "Questions with what is true and what the arms answered: ✓ right, ✗ wrong."
    case .predictions: "Test images with truth and prediction: ✓ right, ✗ wrong."
    case .similarity: "Similarity of images (rows) and texts (columns), before and after training."
    case .features: "Features before and after projection, in their two principal components."
    case .tokensAmongWords: "Visual tokens among the embeddings of words."
    case .patchGrid: "The patches of an image with their numbers."
    case .resolution: "Score, time and tokens against the size of the image."
    case .tokenBudget: "Score, time and tokens against the number of visual tokens."
    case .fineDetail: "Accuracy against the number of objects and the size of glyphs."
    }
  }

  /// Those whose file lies in a results folder.
  public static func found(in folder: URL) -> [ReportFigure: ReportPage.Picture] {
    var pictures: [ReportFigure: ReportPage.Picture] = [:]
    for figure in allCases
    where FileManager.default.fileExists(atPath: folder.appending(path: figure.path).path) {
      pictures[figure] = ReportPage.Picture(path: figure.path, caption: figure.caption)
    }
    return pictures
  }

  /// The pictures of one section, in the order of the cases.
  static func pictures(
    of section: String, in pictures: [ReportFigure: ReportPage.Picture]
  ) -> [ReportPage.Picture] {
    allCases.filter { $0.section == section }.compactMap { pictures[$0] }
  }
}

extension Figure {
  /// Writes the figure under its fixed name in a results folder and gives its place on the report page.
  ///
  /// - Throws: ``FigureError``, or what writing the file throws.
  public func place(
    in folder: URL, as figure: ReportFigure, scale: Int = 2
  ) throws -> ReportPage.Picture {
    try place(in: folder, named: figure.rawValue, caption: figure.caption, scale: scale)
  }
}
