/// The four kinds of character that the word patterns of byte-level BPE tell apart.
enum CharacterClass: UInt8 {
  case other
  /// `\p{L}`
  case letter
  /// `\p{N}`
  case number
  /// `\s`: Unicode's White_Space.
  case space

  init(_ scalar: Unicode.Scalar) {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber:
      self = .number
    default:
      self = properties.isWhitespace ? .space : .other
    }
  }

  /// The class of an ASCII character, without a look into Unicode's tables.
  init(ascii byte: UInt8) {
    switch byte {
    case 0x41...0x5A, 0x61...0x7A: self = .letter
    case 0x30...0x39: self = .number
    case 0x20, 0x09...0x0D: self = .space
    default: self = .other
    }
  }
}

/// A cursor's view of UTF-8 that is known to be valid: it came out of a Swift `String`.
struct TextBytes {
  let bytes: UnsafeBufferPointer<UInt8>

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The bytes of the character that starts at `position`.
  func length(at position: Int) -> Int {
    switch bytes[position] {
    case ..<0x80: 1
    case ..<0xE0: 2
    case ..<0xF0: 3
    default: 4
    }
  }

  func scalar(at position: Int) -> Unicode.Scalar {
    let lead = UInt32(bytes[position])
    func tail(_ offset: Int) -> UInt32 { UInt32(bytes[position + offset]) & 0x3F }
    let code: UInt32 =
      switch lead {
      case ..<0x80: lead
      case ..<0xE0: (lead & 0x1F) << 6 | tail(1)
      case ..<0xF0: (lead & 0x0F) << 12 | tail(1) << 6 | tail(2)
      default: (lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)
      }
    return Unicode.Scalar(code) ?? "\u{FFFD}"
  }

  func characterClass(at position: Int) -> CharacterClass {
    let byte = bytes[position]
    return byte < 0x80 ? CharacterClass(ascii: byte) : CharacterClass(scalar(at: position))
  }

  /// The end of the run of `kind` that starts at `position` (which may be empty).
  func endOfRun(of kind: CharacterClass, from position: Int, to end: Int) -> Int {
    var position = position
    while position < end, characterClass(at: position) == kind {
      position += length(at: position)
    }
    return position
  }

  /// The start of the character that ends at `position`.
  func start(ofCharacterEndingAt position: Int) -> Int {
    var position = position - 1
    while bytes[position] & 0xC0 == 0x80 { position -= 1 }
    return position
  }
}
