import Configuration

/// Captions by image from a file, images in the file's order.
///
/// Three forms are read: COCO annotations (an object with `annotations` and, for the order, `images`),
/// a COCO result list (`[{"image_id": 1, "caption": "…"}, …]`), and JSON lines with `image_id` (without
/// it `image`, without both `id`) and `caption`, or `references` for several; so are the `captions.jsonl` of our runs.
public struct CaptionFile: Sendable {
  public enum Role: Sendable {
    /// One caption for each image.
    case candidates
    /// Any number of captions for each image.
    case references
  }

  public let path: String
  public private(set) var images: [Identifier] = []
  /// Captions of each image.
  public private(set) var captions: [[String]] = []
  /// What may name a record's image, first come first in any order of the keys.
  private static let idKeys = ["image_id", "image", "id"]
  private var indexOfImage: [Identifier: Int] = [:]

  /// - Throws: ``CaptionFileError`` naming file and line.
  public init(path: String, role: Role) throws {
    self.path = path
    var cursor = try JSONCursor(path: path)
    switch cursor.peek() {
    case UInt8(ascii: "["):
      try cursor.forEachElement { cursor in try readRecord(&cursor, role) }
      guard cursor.peek() == nil else { throw cursor.malformed("text after the list") }
    case UInt8(ascii: "{"):
      while cursor.peek() != nil { try readRecord(&cursor, role) }
    case nil: throw CaptionFileError.noCaptions(file: path)
    default: throw cursor.malformed("expected \"{\" or \"[\"")
    }
    guard !images.isEmpty else { throw CaptionFileError.noCaptions(file: path) }
  }

  /// The captions of an image, if the file names it.
  public func captions(of image: Identifier) -> [String]? {
    indexOfImage[image].map { captions[$0] }
  }

  private mutating func index(of image: Identifier) -> Int {
    if let index = indexOfImage[image] { return index }
    indexOfImage[image] = images.count
    images.append(image)
    captions.append([])
    return images.count - 1
  }

  /// A caption with its image, or a whole file of COCO annotations.
  private mutating func readRecord(_ cursor: inout JSONCursor, _ role: Role) throws {
    _ = cursor.peek()
    let start = cursor.position
    var image: Identifier?
    var rank = Self.idKeys.count
    var texts: [String] = []
    var isAnnotations = false
    try cursor.forEachMember { key, cursor in
      switch key {
      case "image_id", "image", "id":
        let name = try cursor.identifier()
        let keyRank = Self.idKeys.firstIndex(of: key) ?? 0
        if keyRank <= rank { (image, rank) = (name, keyRank) }
      case "caption": texts.append(try cursor.string())
      case "references" where role == .references:
        try cursor.forEachElement { texts.append(try $0.string()) }
      case "captions" where role == .candidates && cursor.peek() == UInt8(ascii: "{"):
        try cursor.forEachMember { row, cursor in
          if row == "trained" { texts.append(try cursor.string()) } else { try cursor.skipValue() }
        }
      case "annotations":
        isAnnotations = true
        try readAnnotations(&cursor, role)
      case "images": try readImages(&cursor)
      default: try cursor.skipValue()
      }
    }
    if isAnnotations { return }
    guard let image else { throw cursor.malformed("a record without image_id", at: start) }
    guard !texts.isEmpty || role == .references else {
      throw cursor.malformed("image \(image) has no caption", at: start)
    }
    try add(texts, to: image, role, cursor, start)
  }

  private mutating func readAnnotations(_ cursor: inout JSONCursor, _ role: Role) throws {
    try cursor.forEachElement { cursor in
      _ = cursor.peek()
      let start = cursor.position
      var image: Identifier?
      var text: String?
      try cursor.forEachMember { key, cursor in
        switch key {
        case "image_id": image = try cursor.identifier()
        case "caption": text = try cursor.string()
        default: try cursor.skipValue()
        }
      }
      guard let image, let text else {
        throw cursor.malformed("an annotation needs image_id and caption", at: start)
      }
      try add([text], to: image, role, cursor, start)
    }
  }

  private mutating func readImages(_ cursor: inout JSONCursor) throws {
    try cursor.forEachElement { cursor in
      try cursor.forEachMember { key, cursor in
        if key == "id" { _ = index(of: try cursor.identifier()) } else { try cursor.skipValue() }
      }
    }
  }

  private mutating func add(
    _ texts: [String], to image: Identifier, _ role: Role, _ cursor: JSONCursor, _ start: Int
  ) throws {
    let index = index(of: image)
    guard role == .references || captions[index].isEmpty else {
      throw CaptionFileError.duplicate(
        file: path, line: cursor.line(at: start), image: image)
    }
    captions[index] += texts
  }
}
