import CStemmer

/// Snowball's English stemmer (libstemmer).
///
/// Not for use from several threads at once.
struct Stemmer: ~Copyable {
  private let stemmer: OpaquePointer?

  init() {
    stemmer = sb_stemmer_new("english", "UTF_8")
    precondition(stemmer != nil, "libstemmer has no English stemmer")
  }

  deinit { sb_stemmer_delete(stemmer) }

  func stem(_ word: String) -> String {
    var word = word
    return word.withUTF8 { bytes in
      guard let stem = sb_stemmer_stem(stemmer, bytes.baseAddress, Int32(bytes.count)) else {
        return String(decoding: bytes, as: UTF8.self)
      }
      let count = Int(sb_stemmer_length(stemmer))
      return String(decoding: UnsafeBufferPointer(start: stem, count: count), as: UTF8.self)
    }
  }
}
