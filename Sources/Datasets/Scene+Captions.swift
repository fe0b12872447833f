import Tensors

extension Scene {
  /// The number of phrasings that every scene has.
  static let phrasings = 8

  /// What can be said of the scene, one phrasing each: lower-case words and single spaces.
  ///
  /// Everything said is true of the drawing; a phrasing may leave something out. Relations hold
  /// between places: "above" means a row further up.
  var captions: [String] {
    switch objects.count {
    case 1: captionsOfOne(objects[0])
    case 2: captionsOfTwo(objects[0], objects[1])
    default: captionsOfThree(objects[0], objects[1], objects[2])
    }
  }

  /// The first `count` phrasings in an order drawn from `stream`.
  func captions(_ count: Int, from stream: inout RandomStream) -> [String] {
    let all = captions
    return stream.permutation(all.count).prefix(count).map { all[$0] }
  }

  private func captionsOfOne(_ a: Object) -> [String] {
    [
      "\(a.phrase) \(a.place)",
      "\(a.phrase) \(a.longPlace)",
      "there is \(a.phrase) \(a.place)",
      "there is one \(a.noun) \(a.longPlace)",
      "one \(a.noun) \(a.place)",
      "the picture shows \(a.phrase) \(a.place)",
      "a single \(a.noun) \(a.place)",
      "\(a.place) there is \(a.phrase)",
    ]
  }

  private func captionsOfTwo(_ a: Object, _ b: Object) -> [String] {
    let (relation, inverse) = a.relations(to: b)
    return [
      "\(a.phrase) \(relation) \(b.phrase)",
      "\(b.phrase) \(inverse) \(a.phrase)",
      "there is \(a.phrase) \(relation) \(b.phrase)",
      "\(a.phrase) \(a.place) and \(b.phrase) \(b.place)",
      "there is \(a.phrase) \(a.place) and \(b.phrase) \(b.place)",
      "two \(group) with \(a.phrase) \(relation) \(b.phrase)",
      "there are two \(group) \(a.phrase) and \(b.phrase)",
      "the picture shows \(a.phrase) and \(b.phrase)",
    ]
  }

  private func captionsOfThree(_ a: Object, _ b: Object, _ c: Object) -> [String] {
    let (relation, inverse) = a.relations(to: b)
    return [
      "\(a.phrase) \(b.phrase) and \(c.phrase)",
      "there are three \(group) \(a.phrase) \(b.phrase) and \(c.phrase)",
      "\(a.phrase) \(a.place) \(b.phrase) \(b.place) and \(c.phrase) \(c.place)",
      "\(a.phrase) \(relation) \(b.phrase) and \(c.phrase) \(c.place)",
      "\(b.phrase) \(inverse) \(a.phrase) and \(c.phrase) \(c.place)",
      "three \(group) with \(a.phrase) \(a.place)",
      "\(b.phrase) \(b.relations(to: c).0) \(c.phrase) and \(a.phrase) \(a.place)",
      "the picture shows \(a.phrase) \(b.phrase) and \(c.phrase)",
    ]
  }

  /// What all objects have in common: `red circles`, `circles`, `red shapes`, `shapes`.
  private var group: String {
    let color = objects.allSatisfy { $0.color == objects[0].color } ? "\(objects[0].color) " : ""
    let isOneShape = objects.allSatisfy { $0.shape == objects[0].shape }
    return color + (isOneShape ? "\(objects[0].shape)s" : "shapes")
  }
}

extension Scene.Object {
  /// For example `large red circle`.
  fileprivate var noun: String { "\(size) \(color) \(shape)" }

  /// The noun with its article.
  fileprivate var phrase: String { "a \(noun)" }

  fileprivate var place: String {
    switch (row, column) {
    case (1, 1): "in the center"
    case (1, _): "on the \(side)"
    case (_, 1): "at the \(height)"
    default: "at the \(height) \(side)"
    }
  }

  /// The same place in more words.
  fileprivate var longPlace: String {
    switch (row, column) {
    case (1, 1): "in the middle of the picture"
    case (1, _): "on the \(side) side"
    case (_, 1): "at the \(height) of the picture"
    default: "in the \(height) \(side) corner"
    }
  }

  private var side: String { column == 0 ? "left" : "right" }
  private var height: String { row == 0 ? "top" : "bottom" }

  /// How this object stands to `other` and the other way round, along the axis on which they are
  /// further apart (up and down if equal).
  fileprivate func relations(to other: Scene.Object) -> (String, String) {
    let down = other.row - row
    let right = other.column - column
    if abs(down) >= abs(right) { return down > 0 ? ("above", "below") : ("below", "above") }
    let sides = ("to the left of", "to the right of")
    return right > 0 ? sides : (sides.1, sides.0)
  }
}
