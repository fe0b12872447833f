/// GPT-2's way to write any byte as a visible character, so that a vocabulary is a list of strings.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 bytes are U+0100 and up, in order.
/// Source: `bytes_to_unicode` in openai/gpt-2, `src/encoder.py`.
enum ByteAlphabet {
  /// The character of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      let printable =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      if !printable { next += 1 }
      return Unicode.Scalar(printable ? byte : next - 1) ?? " "
    }
  }()

  /// The byte of each character below U+0144; -1 where there is none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
    return bytes
  }()

  /// What a token decodes to: the bytes its characters stand for or, if one of them stands for no
  /// byte (added tokens may hold any), the token's own UTF-8.
  static func decoded(_ token: String) -> [UInt8] {
    var decoded: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard scalar.value < 0x144, bytes[Int(scalar.value)] >= 0 else { return Array(token.utf8) }
      decoded.append(UInt8(bytes[Int(scalar.value)]))
    }
    return decoded
  }

  /// The text that stands for these bytes in a vocabulary.
  static func encoded(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }
}
