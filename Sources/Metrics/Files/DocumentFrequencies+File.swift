import Configuration
import Foundation

extension DocumentFrequencies {
  private static let title = "dragoman document frequencies 1"

  /// Reads what ``write(to:)`` wrote.
  ///
  /// - Throws: ``CaptionFileError`` naming file and line.
  public init(path: String) throws {
    var counts: [Identifier: Int32] = [:]
    var images: Int?
    var number = 0
    for line in try UTF8File.bytes(of: path).split(separator: 10) {
      number += 1
      let fields = line.split(separator: 9, maxSplits: 1).map {
        String(decoding: $0, as: UTF8.self)
      }
      if number == 1 {
        guard fields.count == 2, fields[0] == Self.title, let count = Int(fields[1]), count > 0
        else {
          throw CaptionFileError.malformed(
            file: path, line: 1, rule: "not a file that `dragoman score --write-idf` made")
        }
        images = count
        continue
      }
      guard fields.count == 2, let count = Int32(fields[0]), count > 0 else {
        throw CaptionFileError.malformed(
          file: path, line: number, rule: "expected a count, a tab and an n-gram")
      }
      counts[Identifier(fields[1])] = count
    }
    guard let images else { throw CaptionFileError.noCaptions(file: path) }
    let name = URL(filePath: path).lastPathComponent
    self.init(source: name, images: images, counts: counts)
  }

  /// Writes a title and the number of images, then a count and an n-gram a line, sorted.
  ///
  /// - Throws: A Foundation error if the file can't be written.
  public func write(to path: String) throws {
    var text = "\(Self.title)\t\(images)\n"
    for (gram, count) in counts.sorted(by: { $0.key < $1.key }) {
      text += "\(count)\t\(gram)\n"
    }
    try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
  }
}
