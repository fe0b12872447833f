import Storage

/// Test examples with what was asked, what is true and what the arms said: right in green with a tick, wrong in
/// red with a cross.
public struct AnswerGrid: Figure {
  public struct Answer: Sendable, Equatable {
    public var arm: String
    public var text: String
    public var isRight: Bool

    public init(arm: String, text: String, isRight: Bool) {
      self.arm = arm
      self.text = text
      self.isRight = isRight
    }
  }

  public struct Item: Sendable, Equatable {
    /// One picture; several media of one question are put side by side with `RGBImage.row`.
    public var image: RGBImage
    /// Its name in the data set.
    public var name: String
    /// nil: nothing is asked, the arms name what they see.
    public var question: String?
    /// Any of which is right.
    public var truth: [String]
    /// One an arm.
    public var answers: [Answer]

    public init(
      image: RGBImage, name: String, question: String? = nil, truth: [String],
      answers: [Answer]
    ) {
      self.image = image
      self.name = name
      self.question = question
      self.truth = truth
      self.answers = answers
    }

    var picture: PictureGrid.Picture {
      let asked = question.map { [PictureGrid.Line(.remark, "asked", $0)] } ?? []
      let said = answers.map { answer in
        PictureGrid.Line(answer.isRight ? .right : .wrong, answer.arm, answer.text)
      }
      let isRight = answers.allSatisfy(\.isRight)
      return PictureGrid.Picture(
        image: image, title: name,
        lines: asked + [.init(.groundTruth, "truth", truth.joined(separator: " / "))] + said,
        frame: answers.isEmpty ? nil : isRight ? .right : .wrong)
    }
  }

  public var title: String
  public var items: [Item]
  public var columns: Int
  /// Side of the square that each picture fits in, in points.
  public var pictureSide: Int

  public init(title: String, items: [Item], columns: Int = 5, pictureSide: Int = 150) {
    self.title = title
    self.items = items
    self.columns = columns
    self.pictureSide = pictureSide
  }

  public func image(scale: Int) throws -> RGBImage {
    try PictureGrid(
      title: title, pictures: items.map(\.picture), columns: columns, pictureSide: pictureSide
    ).image(scale: scale)
  }
}
