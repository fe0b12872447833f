import Foundation

extension String {
  /// Unicode's normalisation form C.
  ///
  /// Three Tibetan vowel signs decompose into two marks, which Foundation (6.3) forgets to sort among
  /// their neighbours; a second pass over the decomposed marks does.
  var canonicallyComposed: String {
    let composed = precomposedStringWithCanonicalMapping
    let needsSorting = unicodeScalars.contains {
      $0 == "\u{F73}" || $0 == "\u{F75}" || $0 == "\u{F81}"
    }
    return needsSorting ? composed.precomposedStringWithCanonicalMapping : composed
  }
}
