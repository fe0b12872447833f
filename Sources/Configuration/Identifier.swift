/// A name from outside (an image, an example, a file, a metric's n-gram) as a key: compared byte by byte.
///
/// `String` takes é written as one code point and as two for one key; two files, two lines of a list or
/// two answers may differ in just that.
public struct Identifier: Sendable, Hashable, Comparable, Codable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  public let text: String

  public init(_ text: String) { self.text = text }
  public init(stringLiteral text: String) { self.text = text }

  public var description: String { text }

  public static func == (a: Self, b: Self) -> Bool {
    let isEqual = a.text.utf8.withContiguousStorageIfAvailable { left in
      b.text.utf8.withContiguousStorageIfAvailable { right in left.elementsEqual(right) }
    }
    if let isEqual, let isEqual { return isEqual }
    return a.text.utf8.elementsEqual(b.text.utf8)
  }

  /// Order of the bytes.
  public static func < (a: Self, b: Self) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if isDone == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
    hasher.combine(0xff as UInt8)
  }

  public init(from decoder: any Decoder) throws {
    text = try decoder.singleValueContainer().decode(String.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
