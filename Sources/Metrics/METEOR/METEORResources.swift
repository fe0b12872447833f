/// The data of METEOR's later stages, as far as a user has them.
public struct METEORResources: Sendable {
  let synonyms: SynonymDictionary?
  let paraphrases: ParaphraseTable?

  /// No data: exact and stem matches only.
  public init() {
    synonyms = nil
    paraphrases = nil
  }

  init(synonyms: SynonymDictionary?, paraphrases: ParaphraseTable?) {
    self.synonyms = synonyms
    self.paraphrases = paraphrases
  }
}

final class SynonymDictionary: Sendable {}
struct SynsetTable: Sendable {
  init(_ w: [String], _ d: SynonymDictionary) {}
  func share(_ a: Int32, _ b: Int32) -> Bool { false }
}
final class ParaphraseTable: Sendable {}
struct PhraseIndex: Sendable {
  let candidates: [ArraySlice<PhraseOccurrence>] = []
  let references: [ArraySlice<PhraseOccurrence>] = []
  init(_ t: METEORText, _ p: ParaphraseTable) {}
  func paraphrases(of id: Int32) -> ArraySlice<Int32> { [] }
}
