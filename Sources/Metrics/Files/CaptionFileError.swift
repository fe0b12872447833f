import Configuration

/// Why a file of captions can't be scored.
public enum CaptionFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  case notUTF8(file: String, line: Int)
  case malformed(file: String, line: Int, rule: String)
  case duplicate(file: String, line: Int, image: Identifier)
  case noCaptions(file: String)
  /// Images that are listed without a reference.
  case noReference(file: String, images: [Identifier])
  /// Images that have references but no candidate.
  case missing(file: String, images: [Identifier])
  /// Images that have a candidate but no references.
  case unknown(file: String, images: [Identifier], references: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "Can't read \(file): \(reason)."
    case .notUTF8(let file, let line):
      "\(file), line \(line): not UTF-8; convert the file, for example with iconv."
    case .malformed(let file, let line, let rule): "\(file), line \(line): \(rule)."
    case .duplicate(let file, let line, let image):
      "\(file), line \(line): a second caption for image \(image); a candidate file has one for"
        + " each image."
    case .noCaptions(let file):
      "\(file) holds no caption; expected COCO annotations, a COCO result list, or JSON lines with"
        + " image_id and caption."
    case .noReference(let file, let images):
      "\(file) has no reference caption for \(Self.list(images)); give at least one each, or leave the"
        + " images out."
    case .missing(let file, let images):
      "\(file) lacks \(Self.list(images)), which the references have; add the captions, or score the"
        + " images that are there with --subset."
    case .unknown(let file, let images, let references):
      "\(file) has \(Self.list(images)), which \(references) has no reference for; check the ids, or"
        + " use the references of the same split."
    }
  }

  private static func list(_ images: [Identifier]) -> String {
    let shown = images.prefix(3).map(\.text).joined(separator: ", ")
    return images.count == 1
      ? "image \(shown)" : "\(images.count) images (\(shown)\(images.count > 3 ? ", …" : ""))"
  }
}
